"""The end of a tenant: its deletion in two steps, the certificate, and who may empty its tables.

Revision: 0015, after 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import policies

revision = "0015"
down_revision = "0014"

EMPTIED = (
    *("users", "api_keys", "groups", "group_members", "sign_ins", "idempotency_keys", "jobs", "job_events"),
    *("usage_records", "collections", "documents", "revisions", "chunks", "term_statistics", "corpus_statistics"),
    *("index_outbox", "conversations", "messages", "citations", "route_tenants"),
    *("adapters", "user_sessions", "directories", "directory_links", "quotas", "quota_windows", "quota_leases"),
    *("quota_stock", "quota_stock_sums", "usage_hours"),
)
"""The tenant tables of former migrations: what a fresh database got from those already, an older one has from here."""


def upgrade() -> None:
    """Add them."""
    op.drop_constraint(op.f("ck_tenants_state"), "tenants")
    op.create_check_constraint(
        op.f("ck_tenants_state"), "tenants", "state in ('active', 'suspended', 'deleting', 'deleted')"
    )
    op.create_table(
        "tenant_deletions",
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("job", sa.Uuid(), nullable=True),
        sa.Column("tally", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("certificate", sa.String(), nullable=True),
        sa.CheckConstraint(
            "state in ('requested', 'withdrawn', 'confirmed', 'done')", name=op.f("ck_tenant_deletions_state")
        ),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_tenant_deletions")),
    )
    for statement in (*policies.statements("tenant_deletions"), *policies.ENDING):
        op.execute(statement)
    for table in EMPTIED:
        for statement in policies.forgettable(table):
            op.execute(statement)


def downgrade() -> None:
    """Take it away. Tombstones become suspended tenants without people, certificates are lost."""
    for table in EMPTIED:
        op.execute(f"drop policy if exists {table}_ending on {table}")
    op.drop_table("tenant_deletions")
    op.execute("alter table tenants no force row level security")  # the owner has no policy, and is to see every row
    op.execute("update tenants set state = 'suspended' where state in ('deleting', 'deleted')")
    op.execute("alter table tenants force row level security")
    op.drop_constraint(op.f("ck_tenants_state"), "tenants")
    op.create_check_constraint(op.f("ck_tenants_state"), "tenants", "state in ('active', 'suspended')")
