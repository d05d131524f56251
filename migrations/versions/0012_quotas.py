"""Quotas, the windows that they are counted in, and the leases of workers; more of what a request used.

Revision: 0012, after 0011
"""

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0012"
down_revision = "0011"

TABLES = ("quotas", "quota_windows", "quota_leases", "quota_stock", "quota_stock_sums", "usage_hours")
MEASURES = (
    "requests_per_minute",
    "tokens_per_minute",
    "tokens_per_day",
    "tokens_per_month",
    "concurrent_requests",
    "documents",
    "bytes",
    "training_seconds_per_month",
)
USED = {"cached_tokens": sa.BigInteger, "queue_seconds": sa.Float, "gpu_seconds": sa.Float}
COUNTS = ("requests", "unfinished", "prompt_tokens", "completion_tokens", "cached_tokens")
SECONDS = ("queue_seconds", "total_seconds", "gpu_seconds")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add tables and columns and put their rules into force."""
    for name, kind in USED.items():
        op.add_column("usage_records", sa.Column(name, kind(), server_default=sa.text("0"), nullable=False))
    op.add_column("usage_records", sa.Column("rolled", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_index(op.f("ix_usage_records_started_at"), "usage_records", ["started_at"])
    op.create_index(
        "ix_usage_records_not_rolled", "usage_records", ["request_id"], postgresql_where=sa.text("not rolled")
    )
    for statement in policies.USAGE:
        op.execute(statement)
    _quotas()
    _leases()
    _stock()
    _hours()
    for table in TABLES:
        for statement in policies.statements(table):
            op.execute(statement)


def _quotas() -> None:
    op.create_table(
        "quotas",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        *(sa.Column(measure, sa.BigInteger(), nullable=True) for measure in MEASURES),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind in ('tenant', 'user', 'key')", name=op.f("ck_quotas_kind")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_quotas_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotas")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_quotas_tenant_id_id")),
        sa.UniqueConstraint("tenant_id", "kind", "subject_id", name=op.f("uq_quotas_tenant_id_kind_subject_id")),
    )


def _leases() -> None:
    op.create_table(
        "quota_windows",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("spent", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_quota_windows_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quota_windows")),
        sa.UniqueConstraint(
            "subject_id", "measure", "starts_at", name=op.f("uq_quota_windows_subject_id_measure_starts_at")
        ),
    )
    op.create_index(op.f("ix_quota_windows_tenant_id"), "quota_windows", ["tenant_id"])
    op.create_table(
        "quota_leases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("window_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_quota_leases_amount")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_quota_leases_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["window_id"],
            ["quota_windows.id"],
            name=op.f("fk_quota_leases_window_id_quota_windows"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quota_leases")),
    )
    op.create_index(op.f("ix_quota_leases_window_id"), "quota_leases", ["window_id"])


def _stock() -> None:
    op.create_table(
        "quota_stock",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("key_id", sa.Uuid(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_quota_stock_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_quota_stock")),
    )
    op.create_index(op.f("ix_quota_stock_tenant_id"), "quota_stock", ["tenant_id"])
    op.create_table(
        "quota_stock_sums",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("documents", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_quota_stock_sums_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "subject_id", name=op.f("pk_quota_stock_sums")),
    )
    # What is there already takes room of its tenant; who put it there was not kept. The owner has no policy on these.
    for table in ("documents", "revisions"):
        op.execute(f"alter table {table} no force row level security")
    op.execute(
        "insert into quota_stock (document_id, tenant_id, bytes) select d.id, d.tenant_id, r.bytes from documents d "
        "join revisions r on r.document_id = d.id "
        "where r.number = (select max(number) from revisions n where n.document_id = d.id)"
    )
    op.execute(
        "insert into quota_stock_sums (tenant_id, subject_id, documents, bytes) "
        "select tenant_id, tenant_id, count(*), sum(bytes) from quota_stock group by tenant_id"
    )
    for table in ("documents", "revisions"):
        op.execute(f"alter table {table} force row level security")


def _hours() -> None:
    named = ("tenant_id", "hour", "user_id", "key_id", "route", "model_digest", "adapter_digest")
    op.create_table(
        "usage_hours",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("hour", MOMENT, nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("route", "model_digest", "adapter_digest")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in COUNTS),
        *(sa.Column(name, sa.Float(), nullable=False) for name in SECONDS),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_hours")),
        sa.UniqueConstraint(*named, name=op.f("uq_usage_hours_" + "_".join(named))),
    )


def downgrade() -> None:
    """Take it away; what was leased is gone, what was used stays in its records."""
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_index("ix_usage_records_not_rolled", "usage_records")
    op.drop_index(op.f("ix_usage_records_started_at"), "usage_records")
    for name in ("rolled", *USED):
        op.drop_column("usage_records", name)
