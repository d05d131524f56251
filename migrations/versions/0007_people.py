"""Roles, groups, service accounts, limits of keys, ETags; and a bell that rings when a credential changes.

Revision: 0007, after 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import policies

revision = "0007"
down_revision = "0004"

TABLES = ("groups", "group_members")
ROLES = "'operator', 'auditor', 'tenant_admin', 'editor', 'member'"
VERSIONED = ("tenants", "users")
BELL = """
create function credentials_changed() returns trigger language plpgsql as
$$ begin perform pg_notify('credentials', ''); return null; end $$
"""
RINGS = {
    "tenants": "update of state or delete",
    "users": "update of state, role, name or delete",
    "api_keys": "update of revoked_at, expires_at or delete",
    "group_members": "insert or delete",
}


def upgrade() -> None:
    """Add columns and tables and put their rules into force."""
    for table in VERSIONED:
        op.add_column(table, sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.add_column(
        "tenants",
        sa.Column(
            "settings", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
    )
    op.add_column("users", sa.Column("kind", sa.String(), server_default=sa.text("'person'"), nullable=False))
    op.create_check_constraint(op.f("ck_users_kind"), "users", "kind in ('person', 'service')")
    op.create_check_constraint(
        op.f("ck_users_service_has_no_password"), "users", "kind = 'person' or password_hash is null"
    )
    op.drop_constraint(op.f("ck_users_role"), "users")
    op.create_check_constraint(op.f("ck_users_role"), "users", f"role in ({ROLES})")
    op.add_column(
        "api_keys", sa.Column("models", postgresql.ARRAY(sa.TEXT()), server_default=sa.text("'{}'"), nullable=False)
    )
    _tables()
    # What a fresh database got from 0001 already; an older one has it from here.
    op.execute("drop policy if exists idempotency_keys_operator on idempotency_keys")
    op.execute(
        f"create policy idempotency_keys_operator on idempotency_keys for all to {policies.OPERATOR} "
        "using (true) with check (true)"
    )
    op.execute(f"grant select, insert, update (status, body) on idempotency_keys to {policies.OPERATOR}")
    for statement in (*policies.PEOPLE, *(line for table in TABLES for line in policies.statements(table))):
        op.execute(statement)
    op.execute(BELL)
    for table, when in RINGS.items():
        op.execute(
            f"create trigger {table}_ring after {when} on {table} "
            "for each statement execute function credentials_changed()"
        )


def _tables() -> None:
    op.create_table(
        "groups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_groups_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_groups")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_groups_tenant_id_id")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_groups_tenant_id_name")),
    )
    op.create_table(
        "group_members",
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "group_id"],
            ["groups.tenant_id", "groups.id"],
            name=op.f("fk_group_members_tenant_id_group_id_groups"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name=op.f("fk_group_members_tenant_id_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_id", "user_id", name=op.f("pk_group_members")),
    )
    op.create_index(op.f("ix_group_members_tenant_id_user_id"), "group_members", ["tenant_id", "user_id"], unique=False)


def downgrade() -> None:
    """Take it away. Auditors and editors become members: the role that may do least; service accounts stay as users."""
    for table in RINGS:
        op.execute(f"drop trigger {table}_ring on {table}")
    op.execute("drop function credentials_changed()")
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_column("api_keys", "models")
    op.execute("alter table users no force row level security")  # the owner has no policy, and is to see every row here
    op.execute("update users set role = 'member' where role in ('auditor', 'editor')")
    op.execute("alter table users force row level security")
    op.drop_constraint(op.f("ck_users_role"), "users")
    op.create_check_constraint(op.f("ck_users_role"), "users", "role in ('operator', 'tenant_admin', 'member')")
    op.drop_constraint(op.f("ck_users_service_has_no_password"), "users")
    op.drop_constraint(op.f("ck_users_kind"), "users")
    op.drop_column("users", "kind")
    op.drop_column("tenants", "settings")
    for table in VERSIONED:
        op.drop_column(table, "version")
