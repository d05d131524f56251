"""Writing the audit record: in the act's own transaction; a refusal in one of its own, by the edge."""

from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from appliance.audit.tables import AuditEntryRow
from appliance.kit.ids import uuid7


class Audit:
    """Records acts of one actor in one tenant."""

    def __init__(self, session: Session, tenant: UUID, actor: UUID | None, request_id: str | None = None) -> None:
        self._session = session
        self._tenant = tenant
        self._actor = actor
        self._request_id = request_id

    def record(self, action: str, subject: object = None, outcome: str = "done", **details: object) -> None:
        """Add one entry. ``details`` hold names and counts, never secrets or content.

        A plain INSERT without RETURNING: the app login may not read this table, not even its own row.
        """
        self._session.execute(
            insert(AuditEntryRow.__table__).values(  # type: ignore[arg-type] # a table, which SQLAlchemy types as any selectable
                id=uuid7(),
                tenant_id=self._tenant,
                actor=self._actor,
                action=action,
                object=None if subject is None else str(subject),
                outcome=outcome,
                request_id=self._request_id,
                details=details,
            )
        )
