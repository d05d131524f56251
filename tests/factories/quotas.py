"""Quotas, as rows."""

from uuid import UUID

from appliance.access.web import Databases
from appliance.kit.ids import uuid7
from appliance.usage.tables import QuotaRow


def limited(
    databases: Databases, tenant: UUID, kind: str = "tenant", subject: UUID | None = None, **amounts: int
) -> None:
    """Give a tenant, or another subject of it, a quota."""
    row = QuotaRow(id=uuid7(), tenant_id=tenant, kind=kind, subject_id=subject or tenant, **amounts)
    with databases.operator.session() as session:
        session.add(row)
