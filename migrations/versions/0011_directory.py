"""The company's directory: how it is reached, and which users and groups come from it.

Revision: 0011, after 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import policies

revision = "0011"
down_revision = "0010"

TABLES = ("directories", "directory_links")
NOW = sa.text("now()")
OBJECT = sa.text("'{}'::jsonb")


def upgrade() -> None:
    """Create the tables and put their rules into force."""
    op.create_table(
        "directories",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), server_default=OBJECT, nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind in ('oidc', 'ldap')", name=op.f("ck_directories_kind")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_directories_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directories")),
        sa.UniqueConstraint("tenant_id", "kind", name=op.f("uq_directories_tenant_id_kind")),
    )
    op.create_table(
        "directory_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("external", sa.String(), nullable=True),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), server_default=OBJECT, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind in ('oidc', 'ldap', 'scim')", name=op.f("ck_directory_links_kind")),
        sa.CheckConstraint("num_nonnulls(user_id, group_id) = 1", name=op.f("ck_directory_links_one")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_directory_links_tenant_id_tenants")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name=op.f("fk_directory_links_tenant_id_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "group_id"],
            ["groups.tenant_id", "groups.id"],
            name=op.f("fk_directory_links_tenant_id_group_id_groups"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_links")),
        sa.UniqueConstraint("tenant_id", "kind", "user_id", name=op.f("uq_directory_links_tenant_id_kind_user_id")),
        sa.UniqueConstraint("tenant_id", "kind", "group_id", name=op.f("uq_directory_links_tenant_id_kind_group_id")),
    )
    op.create_index(
        op.f("ix_directory_links_tenant_id_kind_external"), "directory_links", ["tenant_id", "kind", "external"]
    )
    for statement in (*(line for table in TABLES for line in policies.statements(table)), *policies.DIRECTORY):
        op.execute(statement)


def downgrade() -> None:
    """Drop the tables; users and groups stay, as if made by hand."""
    for role in (policies.APP, policies.OPERATOR):
        op.execute(f"revoke update (login) on users from {role}")
    for table in reversed(TABLES):
        op.drop_table(table)
