"""A glossary for each tenant, by which questions are expanded.

Revision: 0028, after 0027
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import policies

revision = "0028"
down_revision = "0027"

TABLE = "glossary_terms"


def upgrade() -> None:
    """Add the table and put its rules into force."""
    texts = postgresql.ARRAY(sa.TEXT())
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("term", sa.String(), nullable=False),
        sa.Column("expansions", texts, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("forms", texts, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_glossary_terms_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_glossary_terms")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_glossary_terms_tenant_id_id")),
        sa.UniqueConstraint("tenant_id", "key", name=op.f("uq_glossary_terms_tenant_id_key")),
    )
    for statement in policies.statements(TABLE):
        op.execute(statement)


def downgrade() -> None:
    """Take it away."""
    op.drop_table(TABLE)
