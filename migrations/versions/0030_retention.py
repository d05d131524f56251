"""How long collections keep their documents.

Revision: 0030, after 0029
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import policies

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Add rules and runs; the sweep asks for the job."""
    rule: sa.Column[object] = sa.Column("retention", postgresql.JSONB(none_as_null=True), nullable=True)
    op.add_column("collections", rule)
    op.add_column("collections", sa.Column("retained_at", sa.DateTime(timezone=True), nullable=True))
    empty = sa.text("'{}'::jsonb")
    op.create_table(
        "retention_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("collection_id", sa.Uuid(), nullable=False),
        sa.Column("rule", postgresql.JSONB(), server_default=empty, nullable=False),
        sa.Column("tally", postgresql.JSONB(), server_default=empty, nullable=False),
        sa.Column("unfinished", postgresql.ARRAY(sa.Uuid()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("held", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("certificate", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_retention_runs_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_runs")),
    )
    op.create_index(op.f("ix_retention_runs_tenant_id_collection_id"), "retention_runs", ["tenant_id", "collection_id"])
    for statement in (*policies.statements("retention_runs"), *policies.RETENTION):
        op.execute(statement)


def downgrade() -> None:
    """Take them away, certificates too."""
    op.drop_table("retention_runs")
    op.drop_column("collections", "retained_at")
    op.drop_column("collections", "retention")
