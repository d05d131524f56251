"""Writing the audit record: in the act's own transaction; a refusal in one of its own, by the edge."""

from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from appliance.audit import origin
from appliance.audit.entry import plain
from appliance.audit.tables import AuditEntryRow
from appliance.kit.ids import uuid7


class Audit:
    """Records acts of one actor in one tenant. Request id and source address are the request's at hand."""

    def __init__(self, session: Session, tenant: UUID, actor: UUID | None, request_id: str | None = None) -> None:
        self._session = session
        self._tenant = tenant
        self.actor = actor
        self._request_id = request_id

    def record(
        self,
        action: str,
        subject: object = None,
        outcome: str = "done",
        *,
        before: str | None = None,
        after: str | None = None,
        **details: object,
    ) -> None:
        """Add one entry. ``details`` hold names and counts, never secrets or content.

        ``before`` and ``after`` are digests of the object (``kit.canonical.digest_of``), not the object. A plain INSERT
        without RETURNING: the app login may not read this table, not even its own row.
        """
        came = origin.current()
        self._session.execute(
            insert(AuditEntryRow.__table__).values(  # type: ignore[arg-type] # a table, which SQLAlchemy types as any selectable
                id=uuid7(),
                tenant_id=self._tenant,
                actor=self.actor,
                action=action,
                object=None if subject is None else str(subject),
                outcome=outcome,
                request_id=self._request_id or came.request_id,
                source=came.source,
                before=before,
                after=after,
                details=plain(details),
            )
        )
