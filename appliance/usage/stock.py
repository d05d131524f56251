"""Documents and bytes: room that is taken until it is given back. Works in the transaction that adds or deletes.

The sums of a tenant, a user and a key are rows, locked in that order from here to the end of the transaction, so that
uploads at once cannot pass a limit between them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import Adder, TenantId
from appliance.usage import repository
from appliance.usage.errors import NoRoomLeft
from appliance.usage.measures import Kind, Measure
from appliance.usage.rulebook import limits

LATER: Final = 3600
"""Nothing of it resets by itself; a client that repeats by itself shall not do so soon."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a subject's documents come to."""

    documents: int
    bytes: int

    def of(self, measure: Measure) -> int:
        """One of the two."""
        return self.documents if measure is Measure.DOCUMENTS else self.bytes


class Stock:
    """The room of one tenant."""

    def __init__(self, session: Session, tenant: TenantId) -> None:
        self._session = session
        self._tenant = tenant

    def put(self, document: UUID, size: int, by: Adder, *, fresh: bool = False) -> None:
        """Take room for a document (``fresh``: one that takes none yet), or for another content of it.

        Raises :class:`NoRoomLeft`.
        """
        former = None if fresh else repository.take_stock(self._session, document)
        if former is not None:
            self._count(_subjects(self._tenant, former.user_id, former.key_id), -1, -former.bytes)
        taken = self._count(_subjects(self._tenant, by.user, by.key), 1, size)
        grown = size if former is None else size - former.bytes
        self._check(taken, int(former is None), grown)
        repository.add_stock(self._session, self._tenant, document, size, by)

    def room(self, documents: int, size: int, by: Adder) -> None:
        """Raise :class:`NoRoomLeft` unless so many documents of so many bytes fit as well; nothing is taken."""
        subjects = _subjects(self._tenant, by.user, by.key)
        self._check(self._count(subjects, documents, size), documents, size)
        self._count(subjects, -documents, -size)

    def drop(self, document: UUID) -> None:
        """Give a document's room back; harmless to repeat."""
        former = repository.take_stock(self._session, document)
        if former is not None:
            self._count(_subjects(self._tenant, former.user_id, former.key_id), -1, -former.bytes)

    def _count(self, subjects: Iterable[UUID], documents: int, size: int) -> dict[UUID, Taken]:
        sums = repository.count_stock(self._session, self._tenant, list(subjects), documents, size)
        return {subject: Taken(*found) for subject, found in sums.items()}

    def _check(self, taken: dict[UUID, Taken], new: int, grown: int) -> None:
        for row in repository.quotas(self._session, self._tenant):
            found = taken.get(row.subject_id)
            for limit in limits(row) if found else ():
                asked = {Measure.DOCUMENTS: new, Measure.BYTES: grown}.get(limit.measure, 0)
                if found and asked > 0 and found.of(limit.measure) > limit.amount:
                    raise full(
                        limit.kind, limit.subject, limit.measure, limit.amount, found.of(limit.measure) - asked, asked
                    )


def full(kind: Kind, subject: UUID, measure: Measure, limit: int, used: int, asked: int) -> NoRoomLeft:
    """Which limit, and how much."""
    told = f"this {kind} may have {limit} {measure}; {used} are there and this adds {asked}"
    quota = {
        "kind": kind,
        "subject_id": str(subject),
        "measure": measure,
        "limit": limit,
        "used": used,
        "asked": asked,
        "resets_at": None,
    }
    return NoRoomLeft(told, retry_after=LATER, quota=quota)


def forget_document(session: Session, tenant: TenantId, document: UUID) -> None:
    """A document is deleted everywhere: the port of knowledge's forgetting."""
    Stock(session, tenant).drop(document)


def _subjects(tenant: UUID, user: UUID | None, key: UUID | None) -> list[UUID]:
    return [subject for subject in (tenant, user, key) if subject is not None]
