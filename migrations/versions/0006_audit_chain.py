"""Audit entries get source and digests; a chain over them, its signed heads, and what waits to be chained.

Revision: 0006, after 0007
"""

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0006"
down_revision = "0007"

TABLES = ("audit_waiting", "audit_chain", "audit_heads")
COLUMNS = ("source", "before", "after")
WAIT = """
create function audit_entry_waits() returns trigger language plpgsql security definer set search_path = public as
$$ begin insert into audit_waiting (entry_id) select id from made; return null; end $$
"""
"""By the owner's right, so that no login can write this table: an entry waits because it was written."""


def upgrade() -> None:
    """Add them; the entries that there are wait to be chained."""
    for name in COLUMNS:
        op.add_column("audit_entries", sa.Column(name, sa.String(), nullable=True))
    op.create_table(
        "audit_waiting",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_audit_waiting")),
    )
    op.create_table(
        "audit_chain",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("entry_digest", sa.String(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("sequenced_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_chain")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_audit_chain_entry_id")),
    )
    op.create_table(
        "audit_heads",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("hash", "time", "appliance", "key", "signature")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_heads")),
    )
    for table in TABLES:
        for statement in policies.statements(table):
            op.execute(statement)
    op.execute("alter table audit_entries no force row level security")  # the owner has no policy, and is to see all
    op.execute("insert into audit_waiting (entry_id) select id from audit_entries")
    op.execute("alter table audit_entries force row level security")
    op.execute(WAIT)
    op.execute("revoke execute on function audit_entry_waits() from public")
    op.execute(
        "create trigger audit_entries_wait after insert on audit_entries "
        "referencing new table as made for each statement execute function audit_entry_waits()"
    )


def downgrade() -> None:
    """Take it away, the chain too."""
    op.execute("drop trigger audit_entries_wait on audit_entries")
    op.execute("drop function audit_entry_waits()")
    for table in reversed(TABLES):
        op.drop_table(table)
    for name in reversed(COLUMNS):
        op.drop_column("audit_entries", name)
