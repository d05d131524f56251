"""Exports of a tenant.

Revision: 0016, after 0015
"""

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add them."""
    op.create_table(
        "tenant_exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("content", sa.Boolean(), nullable=False),
        sa.Column("job", sa.Uuid(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_tenant_exports_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant_exports")),
    )
    op.create_index(op.f("ix_tenant_exports_tenant_id_id"), "tenant_exports", ["tenant_id", "id"], unique=False)
    op.create_index(op.f("ix_tenant_exports_expires_at"), "tenant_exports", ["expires_at"], unique=False)
    for statement in policies.statements("tenant_exports"):
        op.execute(statement)


def downgrade() -> None:
    """Take them away; archives stay in the data directory."""
    op.drop_table("tenant_exports")
