"""Where documents come from by themselves: sources, what each holds, and what became of it.

Revision: 0026, after 0025
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import policies

revision = "0026"
down_revision = "0025"

TABLES = ("sources", "source_items", "source_log")
KINDS = "('folder', 'push', 's3', 'web', 'webdav', 'imap')"
ITEM_STATES = "('taken', 'skipped', 'waiting', 'failed', 'held', 'gone', 'forgotten')"
ACTS = "('taken', 'updated', 'shared', 'skipped', 'waiting', 'failed', 'deleted', 'held')"


def _moment(name: str, *, now: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=not now)


def _list(name: str) -> sa.Column[object]:
    return sa.Column(name, postgresql.ARRAY(sa.TEXT()), nullable=True)


def _of_source(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "source_id"],
        ["sources.tenant_id", "sources.id"],
        name=op.f(f"fk_{table}_tenant_id_source_id_sources"),
        ondelete="CASCADE",
    )


def _of_tenant(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f(f"fk_{table}_tenant_id_tenants"))


def _sources() -> None:
    op.create_table(
        "sources",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("collection_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default=sa.text("'active'"), nullable=False),
        sa.Column(
            "settings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        _list("readers"),
        sa.Column("every_minutes", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        _moment("created_at", now=True),
        _moment("changed_at", now=True),
        _moment("due_at"),
        _moment("touched_at"),
        _moment("synced_at"),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.CheckConstraint(f"kind in {KINDS}", name=op.f("ck_sources_kind")),
        sa.CheckConstraint("state in ('active', 'paused', 'removing')", name=op.f("ck_sources_state")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "collection_id"],
            ["collections.tenant_id", "collections.id"],
            name=op.f("fk_sources_tenant_id_collection_id_collections"),
            ondelete="CASCADE",
        ),
        _of_tenant("sources"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sources")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_sources_tenant_id_id")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_sources_tenant_id_name")),
    )
    due = sa.text("due_at is not null")
    op.create_index("ix_sources_due_at", "sources", ["due_at"], postgresql_where=due)


def upgrade() -> None:
    """Create the tables and put their rules into force."""
    _sources()
    op.create_table(
        "source_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("external", sa.String(), nullable=True),
        sa.Column("token", sa.String(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        _list("readers"),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason_code", sa.String(), nullable=True),
        _moment("created_at", now=True),
        _moment("changed_at", now=True),
        sa.CheckConstraint(f"state in {ITEM_STATES}", name=op.f("ck_source_items_state")),
        _of_source("source_items"),
        _of_tenant("source_items"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_items")),
        sa.UniqueConstraint("source_id", "key", name=op.f("uq_source_items_source_id_key")),
    )
    op.create_index(op.f("ix_source_items_tenant_id_document_id"), "source_items", ["tenant_id", "document_id"])
    op.create_table(
        "source_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("dry", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        _moment("created_at", now=True),
        sa.CheckConstraint(f"act in {ACTS}", name=op.f("ck_source_log_act")),
        _of_source("source_log"),
        _of_tenant("source_log"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_log")),
    )
    op.create_index(op.f("ix_source_log_tenant_id_source_id_id"), "source_log", ["tenant_id", "source_id", "id"])
    for table in TABLES:
        for statement in policies.statements(table):
            op.execute(statement)


def downgrade() -> None:
    """Drop the tables; documents stay, as if uploaded by hand."""
    for table in reversed(TABLES):
        op.drop_table(table)
