"""Where the lines of a passage stand on its page, and the boxes of what an answer quotes.

Revision: 0034, after 0033
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    """Add the columns; null and empty: the format has no pages, or it was read before this was kept."""
    op.add_column("chunks", sa.Column("placed", postgresql.ARRAY(sa.Integer(), dimensions=2)))
    empty = sa.text("'[]'::jsonb")
    op.add_column("citations", sa.Column("boxes", postgresql.JSONB(), nullable=False, server_default=empty))


def downgrade() -> None:
    """Take them away."""
    op.drop_column("citations", "boxes")
    op.drop_column("chunks", "placed")
