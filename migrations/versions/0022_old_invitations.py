"""The sweep forgets invitations that ended long ago, of any tenant: its deletes are no longer fenced.

Revision: 0022, after 0021
"""

from alembic import op

from migrations import policies

revision = "0022"
down_revision = "0021"

TABLE = "invitations"
FENCE = f"{TABLE}_ending"


def upgrade() -> None:
    """Take the fence away."""
    for statement in policies.forgettable(TABLE):
        op.execute(statement)


def downgrade() -> None:
    """Fence them again: only those of tenants that are being deleted go."""
    ending = "tenant_id in (select id from tenants where state in ('deleting', 'deleted'))"
    op.execute(f"drop policy if exists {FENCE} on {TABLE}")
    op.execute(f"create policy {FENCE} on {TABLE} as restrictive for delete to {policies.SYSTEM} using ({ending})")
