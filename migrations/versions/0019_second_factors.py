"""Second factors: one-time codes of who signs in with a password.

Revision: 0019, after 0018
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import policies

revision = "0019"
down_revision = "0018"

TABLE = "second_factors"


def upgrade() -> None:
    """Add the table and put its rules into force; who has enrolled may do more at once, so it rings."""
    op.create_table(
        TABLE,
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("recovery", postgresql.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("last_step", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name=op.f("fk_second_factors_tenant_id_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_second_factors")),
    )
    for statement in policies.statements(TABLE):
        op.execute(statement)
    op.execute(
        f"create trigger {TABLE}_ring after update of confirmed_at or delete on {TABLE} "
        "for each statement execute function credentials_changed()"
    )


def downgrade() -> None:
    """Take it away: passwords alone are asked for again."""
    op.drop_table(TABLE)
