"""Documents that were taken in or read again as one act.

Revision: 0025, after 0024
"""

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Add the table, and to each document the last batch that had it read."""
    op.create_table(
        "batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("collection_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("begun_by", sa.Uuid(), nullable=False),
        sa.Column("announced", sa.Integer(), nullable=True),
        sa.Column("unchanged", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_batches_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    op.create_index(op.f("ix_batches_tenant_id_id"), "batches", ["tenant_id", "id"])
    for statement in policies.statements("batches"):
        op.execute(statement)
    op.add_column("documents", sa.Column("batch_id", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_documents_batch",
        "documents",
        ["tenant_id", "batch_id"],
        postgresql_where=sa.text("batch_id is not null"),
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_index("ix_documents_batch", table_name="documents")
    op.drop_column("documents", "batch_id")
    op.drop_table("batches")
