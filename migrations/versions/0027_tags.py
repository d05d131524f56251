"""Documents have tags, by which a search is narrowed.

Revision: 0027, after 0026
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """None has a tag yet."""
    none = sa.text("'{}'")
    tags: sa.Column[list[str]] = sa.Column("tags", postgresql.ARRAY(sa.TEXT()), server_default=none, nullable=False)
    op.add_column("documents", tags)


def downgrade() -> None:
    """Take them away."""
    op.drop_column("documents", "tags")
