"""How long a collection keeps its documents: the rule, what is due by it, and its change. Never commits.

A rule is of days after a document was added, or after what it says was last changed, or a date for all. A document
under a legal hold is due and stays. Whoever sets a rule sees the names of all that it would forget.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Literal, Self
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Select, exists, func, literal, select, update
from sqlalchemy.orm import Session, aliased

from appliance.access.principal import Principal
from appliance.audit.service import Audit
from appliance.kit import clock
from appliance.knowledge import lists
from appliance.knowledge.errors import NoRule
from appliance.knowledge.tables import CollectionRow, DocumentRow, RetentionRunRow, RevisionRow

SHOWN: Final = 200
_RUNS: Final = 20

Since = Literal["added", "modified"]


@dataclass(frozen=True, slots=True)
class Rule:
    """Either ``days`` and ``since`` what, or ``until`` which day (its end, UTC)."""

    days: int | None = None
    since: Since | None = None
    until: date | None = None

    def stored(self) -> dict[str, Any]:
        """As it stands in a row."""
        return {name: str(value) if isinstance(value, date) else value for name, value in asdict(self).items()}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """What was stored."""
        until = stored["until"]
        return cls(stored["days"], stored["since"], date.fromisoformat(until) if until else None)

    def due_at(self) -> ColumnElement[datetime]:
        """When a document's time is over."""
        if self.until is not None:
            end = datetime.combine(self.until, time.max, UTC)
            return literal(end, DateTime(timezone=True))
        begin = DocumentRow.created_at if self.since == "added" else _modified()
        return begin + literal(timedelta(days=self.days or 0))


@dataclass(frozen=True, slots=True)
class Due:
    """A document whose time is over."""

    document: UUID
    name: str
    due_at: datetime
    held: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would do now: how many are due, how many of these are held and stay, and the first of them."""

    documents: int
    held: int
    first: tuple[Due, ...]


@dataclass(frozen=True, slots=True)
class Ran:
    """A run of the job that forgot something: what, and the signed certificate once it has ended."""

    id: UUID
    rule: Rule
    documents: int
    held: int
    begun_at: datetime
    ended_at: datetime | None
    certificate: str | None


class Retention:
    """Rules of one tenant's collections."""

    def __init__(self, session: Session, principal: Principal) -> None:
        self._session = session
        self._audit = Audit(session, principal.tenant, principal.user)

    def rule(self, collection: UUID) -> Rule | None:
        """Raises CollectionNotFound."""
        lists.collection(self._session, collection)
        return rule_of(self._session, collection)

    def change(self, collection: UUID, rule: Rule | None) -> None:
        """From the next run on; None: documents stay. Raises CollectionNotFound."""
        lists.collection(self._session, collection, lock=True)
        stored = None if rule is None else rule.stored()
        changed = update(CollectionRow).where(CollectionRow.id == collection)
        self._session.execute(changed.values(retention=stored, retained_at=None))
        self._audit.record("collection.retention", collection, rule=stored or "none")

    def preview(self, collection: UUID, rule: Rule | None = None) -> Preview:
        """What the collection's rule, or another, would forget now. Raises CollectionNotFound, NoRule."""
        chosen = rule or self.rule(collection)
        lists.collection(self._session, collection)
        if chosen is None:
            raise NoRule
        due = expired(collection, chosen).subquery()
        held = func.count().filter(due.c.held_at.is_not(None))
        counted = self._session.execute(select(func.count(), held).select_from(due)).one()
        first = self._session.execute(select(due).order_by(due.c.due_at, due.c.id).limit(SHOWN))
        shown = tuple(Due(row.id, row.name, row.due_at, row.held_at is not None) for row in first)
        return Preview(counted[0], counted[1], shown)

    def runs(self, collection: UUID) -> tuple[Ran, ...]:
        """The newest first. Raises CollectionNotFound."""
        lists.collection(self._session, collection)
        query = select(RetentionRunRow).where(RetentionRunRow.collection_id == collection)
        rows = self._session.execute(query.order_by(RetentionRunRow.id.desc()).limit(_RUNS)).scalars()
        return tuple(
            Ran(
                id=row.id,
                rule=Rule.of(row.rule),
                documents=row.tally.get("documents", {}).get("count", 0),
                held=row.held,
                begun_at=row.begun_at,
                ended_at=row.ended_at,
                certificate=row.certificate,
            )
            for row in rows
        )


def rule_of(session: Session, collection: UUID) -> Rule | None:
    """The rule that stands; None for a collection that keeps all, or is gone."""
    found = select(CollectionRow.retention).where(CollectionRow.id == collection)
    stored = session.execute(found).scalar_one_or_none()
    return None if stored is None else Rule.of(stored)


def expired(collection: UUID, rule: Rule) -> Select[UUID, str, datetime | None, datetime]:
    """The documents of a collection that are due now, held or not: id, name, held_at, due_at."""
    due_at = rule.due_at()
    return select(DocumentRow.id, DocumentRow.name, DocumentRow.held_at, due_at.label("due_at")).where(
        DocumentRow.collection_id == collection, DocumentRow.state != "deleting", due_at < clock.now()
    )


def _modified() -> ColumnElement[datetime]:
    """When the bytes last changed: reading the same again is no change."""
    row, before = aliased(RevisionRow), aliased(RevisionRow)
    same = exists().where(
        before.document_id == row.document_id, before.number == row.number - 1, before.sha256 == row.sha256
    )
    changed = select(func.max(row.created_at)).where(row.document_id == DocumentRow.id, ~same)
    return func.coalesce(changed.scalar_subquery(), DocumentRow.created_at)
