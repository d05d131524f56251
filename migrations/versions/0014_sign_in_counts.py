"""Counts of failed sign-ins, by digest of login and source.

Revision: 0014, after 0013
"""

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0014"
down_revision = "0013"

TABLE = "sign_in_counts"


def upgrade() -> None:
    """Add the table and put its rules into force."""
    op.create_table(
        TABLE,
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_sign_in_counts")),
    )
    op.create_index(op.f("ix_sign_in_counts_last_at"), TABLE, ["last_at"], unique=False)
    for statement in policies.statements(TABLE):
        op.execute(statement)


def downgrade() -> None:
    """Take it away: whoever is blocked is not any more."""
    op.drop_table(TABLE)
