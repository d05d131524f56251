"""Replicas of deployments; adapters, canaries, fallbacks and visibility of routes; a bell that the engine host hears.

Revision: 0008, after 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import policies

revision = "0008"
down_revision = "0005"

TABLES = ("replicas", "route_tenants")
ACTUAL = "actual in ('stopped', 'starting', 'running', 'backing_off', 'failed', 'draining')"
LEADS = ("next_deployment_id", "canary_deployment_id", "fallback_deployment_id")
ADAPTERS = ("adapter_id", "next_adapter_id", "canary_adapter_id")
BELL = """
create function serving_changed() returns trigger language plpgsql as
$$ begin perform pg_notify('serving', ''); return null; end $$
"""
RINGS = {
    "deployments": "insert or delete or update of desired, model_version_id, engine, replicas",
    "routes": "insert or delete or update",
}


def upgrade() -> None:
    """Add columns and tables and put their rules into force."""
    _deployments()
    _replicas()
    _routes()
    for statement in (*policies.SERVING, *(line for table in TABLES for line in policies.statements(table))):
        op.execute(statement)
    op.execute(BELL)
    for table, when in RINGS.items():
        op.execute(
            f"create trigger {table}_ring after {when} on {table} for each statement execute function serving_changed()"
        )


def _deployments() -> None:
    op.add_column("deployments", sa.Column("replicas", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.add_column("deployments", sa.Column("former", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("deployments", sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.create_check_constraint(op.f("ck_deployments_replicas"), "deployments", "replicas between 1 and 64")
    op.drop_column("deployments", "pid")


def _replicas() -> None:
    json = postgresql.JSONB(astext_type=sa.Text())
    op.create_table(
        "replicas",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("deployment_id", sa.Uuid(), nullable=False),
        sa.Column("model_version_id", sa.Uuid(), nullable=False),
        sa.Column("engine", json, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("actual", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("pid", sa.Integer(), nullable=True),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("in_service", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("adapters", postgresql.ARRAY(sa.TEXT()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("placement", json, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("restarts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("actual_since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(ACTUAL, name=op.f("ck_replicas_actual")),
        sa.ForeignKeyConstraint(
            ["deployment_id"],
            ["deployments.id"],
            name=op.f("fk_replicas_deployment_id_deployments"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["model_version_id"], ["model_versions.id"], name=op.f("fk_replicas_model_version_id_model_versions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replicas")),
    )
    op.create_index(op.f("ix_replicas_deployment_id"), "replicas", ["deployment_id"], unique=False)


def _routes() -> None:
    op.add_column("routes", sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False))
    op.alter_column("routes", "id", server_default=None)
    op.create_unique_constraint(op.f("uq_routes_id"), "routes", ["id"])
    for column in (*LEADS, *ADAPTERS):
        op.add_column("routes", sa.Column(column, sa.Uuid(), nullable=True))
    for column in LEADS:
        op.create_foreign_key(op.f(f"fk_routes_{column}_deployments"), "routes", "deployments", [column], ["id"])
    op.add_column("routes", sa.Column("canary_percent", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.create_check_constraint(op.f("ck_routes_canary_percent"), "routes", "canary_percent between 0 and 100")
    op.add_column("routes", sa.Column("former", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("routes", sa.Column("everyone", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.add_column("routes", sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.create_table(
        "route_tenants",
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["route"], ["routes.name"], name=op.f("fk_route_tenants_route_routes"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_route_tenants_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("route", "tenant_id", name=op.f("pk_route_tenants")),
    )
    op.create_index(op.f("ix_route_tenants_tenant_id"), "route_tenants", ["tenant_id"], unique=False)


def downgrade() -> None:
    """Take it away. A route that was for some tenants only is removed: it would be for everyone."""
    for table in RINGS:
        op.execute(f"drop trigger {table}_ring on {table}")
    op.execute("drop function serving_changed()")
    op.execute("delete from routes where not everyone")
    for table in reversed(TABLES):
        op.drop_table(table)
    for column in ("version", "everyone", "former", "canary_percent", *LEADS, *ADAPTERS, "id"):
        op.drop_column("routes", column)
    for column in ("version", "former", "replicas"):
        op.drop_column("deployments", column)
    op.add_column("deployments", sa.Column("pid", sa.Integer(), nullable=True))
    op.execute(f"grant update (pid) on deployments to {policies.SYSTEM}")
