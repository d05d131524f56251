"""Collections have an access list that their documents inherit; a document may have its own; changes are dated.

Revision: 0023, after 0022
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import policies

revision = "0023"
down_revision = "0022"

CHECK = "ck_index_outbox_op"


def upgrade() -> None:
    """Whoever could read goes on; what the index does not know yet is pending from now on."""
    readers: sa.Column[list[str]] = sa.Column(
        "readers", postgresql.ARRAY(sa.TEXT()), server_default=sa.text("'{everyone}'"), nullable=False
    )
    op.add_column("collections", readers)
    op.add_column("documents", sa.Column("own_readers", postgresql.ARRAY(sa.TEXT()), nullable=True))
    op.add_column("documents", sa.Column("access_changed_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("update documents set own_readers = readers where readers <> '{everyone}'")
    op.execute("update documents set access_changed_at = now() where readers is distinct from projected_readers")
    op.create_index(
        "ix_documents_access_changed",
        "documents",
        ["tenant_id"],
        unique=False,
        postgresql_where=sa.text("access_changed_at is not null"),
    )
    op.drop_constraint(op.f(CHECK), "index_outbox", type_="check")
    op.create_check_constraint(op.f(CHECK), "index_outbox", "op in ('upsert', 'delete', 'flip', 'access')")
    op.execute(
        "insert into index_outbox (tenant_id, op, document_id, revision_id) "
        "select tenant_id, 'access', id, '00000000-0000-0000-0000-000000000000' "
        "from documents where access_changed_at is not null"
    )
    for statement in policies.ACCESS:
        op.execute(statement)


def downgrade() -> None:
    """Documents keep the readers that they have; the index learns of those that it does not know by being rebuilt."""
    op.execute("delete from index_outbox where op = 'access'")
    op.drop_constraint(op.f(CHECK), "index_outbox", type_="check")
    op.create_check_constraint(op.f(CHECK), "index_outbox", "op in ('upsert', 'delete', 'flip')")
    op.drop_index("ix_documents_access_changed", table_name="documents")
    op.drop_column("documents", "access_changed_at")
    op.drop_column("documents", "own_readers")
    op.drop_column("collections", "readers")
