"""Adapters: LoRA weights of one tenant for exactly one model version.

Revision: 0009, after 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import policies

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create the table and put its rules into force."""
    op.create_table(
        "adapters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("base_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("modules", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column(
            "manifest", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("state", sa.String(), server_default=sa.text("'verified'"), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state in ('verified', 'tampered', 'missing')", name=op.f("ck_adapters_state")),
        sa.ForeignKeyConstraint(["base_id"], ["model_versions.id"], name=op.f("fk_adapters_base_id_model_versions")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_adapters_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adapters")),
        sa.UniqueConstraint("tenant_id", "name", "version", name=op.f("uq_adapters_tenant_id_name_version")),
    )
    op.create_index(op.f("ix_adapters_base_id"), "adapters", ["base_id"], unique=False)
    for statement in policies.statements("adapters"):
        op.execute(statement)


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("adapters")
