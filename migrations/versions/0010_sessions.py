"""Sessions of browsers.

Revision: 0010, after 0009
"""

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0010"
down_revision = "0009"

TABLE = "user_sessions"


def upgrade() -> None:
    """Add the table and put its rules into force; a revoked session rings as a revoked key does."""
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("idle_seconds", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name=op.f("fk_user_sessions_tenant_id_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_sessions")),
        sa.UniqueConstraint("hash", name=op.f("uq_user_sessions_hash")),
    )
    op.create_index(op.f("ix_user_sessions_tenant_id_user_id"), TABLE, ["tenant_id", "user_id"], unique=False)
    op.create_index(op.f("ix_user_sessions_expires_at"), TABLE, ["expires_at"], unique=False)
    for statement in policies.statements(TABLE):
        op.execute(statement)
    op.execute(
        f"create trigger {TABLE}_ring after update of revoked_at on {TABLE} "
        "for each statement execute function credentials_changed()"
    )


def downgrade() -> None:
    """Take it away: who has a session signs in again."""
    op.drop_table(TABLE)
