"""How sure text recognition was of the lines of a revision, of a passage and of what an answer quotes.

Revision: 0033, after 0030
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0030"


def upgrade() -> None:
    """Add the columns; null: nothing was recognised, or it was read before this was kept."""
    for table in ("revisions", "chunks"):
        op.add_column(table, sa.Column("recognised", postgresql.JSONB(none_as_null=True)))
    for count in ("recognised_lines", "doubtful_lines"):
        op.add_column("revisions", sa.Column(count, sa.Integer()))
    op.add_column("citations", sa.Column("confidence", sa.Float()))


def downgrade() -> None:
    """Take them away."""
    op.drop_column("citations", "confidence")
    for count in ("doubtful_lines", "recognised_lines"):
        op.drop_column("revisions", count)
    for table in ("chunks", "revisions"):
        op.drop_column(table, "recognised")
