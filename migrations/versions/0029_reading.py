"""How files are read: by collection, and how each revision was.

Revision: 0029, after 0028
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Add the columns; empty means the usual way."""
    for table in ("collections", "revisions"):
        empty: sa.Column[object] = sa.Column(
            "reading", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        )
        op.add_column(table, empty)


def downgrade() -> None:
    """Take them away."""
    for table in ("collections", "revisions"):
        op.drop_column(table, "reading")
