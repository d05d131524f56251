"""Jobs know who asked for them, so that they end with their asker's suspension; and which outlive it.

Revision: 0017, after 0016
"""

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the columns; jobs of before were asked for by nobody in particular."""
    op.add_column("jobs", sa.Column("asked_by", sa.Uuid(), nullable=True))
    op.add_column("jobs", sa.Column("outlives", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    for statement in policies.STOPPING:
        op.execute(statement)


def downgrade() -> None:
    """Take them away."""
    op.drop_column("jobs", "outlives")
    op.drop_column("jobs", "asked_by")
