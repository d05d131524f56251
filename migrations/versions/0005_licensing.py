"""Licence files, lists of revocations, and the clock guard's memory.

Revision: 0005, after 0006 (the numbers are of the parts, the order is of their coming)
"""

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0005"
down_revision = "0006"

TABLES = ("licence_files", "revocation_files", "licence_clock")


def upgrade() -> None:
    """Create the tables and put their rules into force."""
    op.create_table(
        "licence_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("installed_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_files")),
    )
    op.create_table(
        "revocation_files",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_revocation_files")),
    )
    op.create_table(
        "licence_clock",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("appliance_id", sa.Uuid(), nullable=False),
        sa.Column("first_start", sa.BigInteger(), nullable=False),
        sa.Column("looks", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.Column("floor", sa.BigInteger(), nullable=False),
        sa.Column("boot", sa.String(), nullable=False),
        sa.Column("base", sa.BigInteger(), nullable=False),
        sa.Column("elapsed", sa.BigInteger(), nullable=False),
        sa.Column("suspicion", sa.String(), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_licence_clock_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_clock")),
    )
    for table in TABLES:
        for statement in policies.statements(table):
            op.execute(statement)


def downgrade() -> None:
    """Drop the tables, last made first; grants go with them."""
    for table in reversed(TABLES):
        op.drop_table(table)
