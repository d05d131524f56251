"""Writing the audit record: in the act's own transaction; a refusal in one of its own, by the edge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from appliance.audit import origin
from appliance.audit.entry import plain
from appliance.audit.tables import AuditEntryRow
from appliance.kit.ids import uuid7
from appliance.kit.rows import rows_of

_ENTRIES = cast("Table", AuditEntryRow.__table__)
_JSON: TypeAdapter[list[dict[str, Any]]] = TypeAdapter(list[dict[str, Any]])


@dataclass(frozen=True, slots=True)
class Act:
    """An act that is written down after it was done, and where it came from. ``details`` as in :meth:`Audit.record`."""

    tenant: UUID
    actor: UUID | None
    action: str
    subject: object
    outcome: str
    came: origin.Origin
    details: Mapping[str, object]


def record_all(session: Session, acts: Sequence[Act]) -> None:
    """Add one entry for each, in one statement."""
    rows = [
        {
            "id": uuid7(),
            "tenant_id": act.tenant,
            "actor": act.actor,
            "action": act.action,
            "object": str(act.subject),
            "outcome": act.outcome,
            "request_id": act.came.request_id,
            "source": act.came.source,
            "details": plain(act.details),
        }
        for act in acts
    ]
    if rows:
        names = tuple(rows[0])
        told = rows_of(_ENTRIES, names, _JSON.dump_json(rows))
        session.execute(insert(_ENTRIES).from_select(names, told))


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
