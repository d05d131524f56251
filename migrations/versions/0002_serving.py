"""Model versions, deployments and routes.

Revision: 0002, after 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import policies

revision = "0002"
down_revision = "0001"

TABLES = ("model_versions", "deployments", "routes")


def upgrade() -> None:
    """Create the tables and put their rules into force."""
    op.create_table(
        "model_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("directory", sa.String(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("languages", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("licence", sa.String(), nullable=False),
        sa.Column(
            "manifest", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("state", sa.String(), server_default=sa.text("'verified'"), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('language', 'encoder')", name=op.f("ck_model_versions_kind")),
        sa.CheckConstraint("state in ('verified', 'tampered', 'missing')", name=op.f("ck_model_versions_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_versions")),
        sa.UniqueConstraint("name", "digest", name=op.f("uq_model_versions_name_digest")),
    )
    op.create_table(
        "deployments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("model_version_id", sa.Uuid(), nullable=False),
        sa.Column(
            "engine", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("desired", sa.String(), server_default=sa.text("'running'"), nullable=False),
        sa.Column("actual", sa.String(), server_default=sa.text("'stopped'"), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("pid", sa.Integer(), nullable=True),
        sa.Column("restarts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("actual_since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "actual in ('stopped', 'starting', 'running', 'backing_off', 'failed', 'draining')",
            name=op.f("ck_deployments_actual"),
        ),
        sa.CheckConstraint("desired in ('running', 'stopped')", name=op.f("ck_deployments_desired")),
        sa.ForeignKeyConstraint(
            ["model_version_id"], ["model_versions.id"], name=op.f("fk_deployments_model_version_id_model_versions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployments")),
        sa.UniqueConstraint("name", name=op.f("uq_deployments_name")),
    )
    op.create_index(op.f("ix_deployments_model_version_id"), "deployments", ["model_version_id"], unique=False)
    op.create_table(
        "routes",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("deployment_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployments.id"], name=op.f("fk_routes_deployment_id_deployments")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_routes")),
    )
    op.create_index(op.f("ix_routes_deployment_id"), "routes", ["deployment_id"], unique=False)
    for table in TABLES:
        for statement in policies.statements(table):
            op.execute(statement)


def downgrade() -> None:
    """Drop the tables, last made first; policies and grants go with them."""
    for table in reversed(TABLES):
        op.drop_table(table)
