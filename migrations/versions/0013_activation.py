"""Model versions: their entry of the catalogue, their signature, and who accepted their weights' licence.

Revision: 0013, after 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"


def columns() -> tuple[sa.Column[object], ...]:
    """New ones at each call: a column belongs to one table."""
    return (
        sa.Column("entry", sa.String(), nullable=True),
        sa.Column("signature", sa.String(), server_default=sa.text("'unsigned'"), nullable=False),
        sa.Column("signed_by", sa.String(), nullable=True),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("activated_by", sa.Uuid(), nullable=True),
        sa.Column(
            "accepted", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
    )


def upgrade() -> None:
    """Add the columns; those of the table's grants cover them. Nothing is active until it was accepted."""
    for column in columns():
        op.add_column("model_versions", column)
    op.create_check_constraint(
        op.f("ck_model_versions_signature"), "model_versions", "signature in ('unsigned', 'untrusted', 'verified')"
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_constraint(op.f("ck_model_versions_signature"), "model_versions")
    for column in reversed(columns()):
        op.drop_column("model_versions", column.name)
