"""When a directory's sync is due next; and the sweep asks for it.

Revision: 0018, after 0017
"""

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Add the column and the grants."""
    op.add_column("directories", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    for statement in policies.DIRECTORY_SYNC:
        op.execute(statement)


def downgrade() -> None:
    """Take them away."""
    op.execute(f"revoke insert on jobs from {policies.SYSTEM}")
    op.drop_column("directories", "due_at")
