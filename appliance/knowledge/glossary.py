"""A tenant's glossary: acronyms and other words with what they stand for. Never commits."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance.access.principal import Principal, TenantId, UserId
from appliance.audit.service import Audit
from appliance.kit import paging
from appliance.kit.canonical import digest_of
from appliance.kit.ids import uuid7
from appliance.knowledge.errors import BadGlossaryTerm, GlossaryFull, GlossaryTermExists, GlossaryTermNotFound
from appliance.knowledge.tables import GlossaryTermRow
from appliance.knowledge.terms import normal, terms

MOST: Final = 2000
SHORTEST, LONGEST, MOST_EXPANSIONS = 2, 100, 20
Told = tuple[str, Sequence[str]]
"""A term, and what means the same."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A term and what means the same."""

    id: UUID
    term: str
    expansions: tuple[str, ...]


class Glossary:
    """The glossary of the principal's tenant."""

    def __init__(self, session: Session, principal: Principal) -> None:
        self._session = session
        self._tenant = principal.tenant
        self._audit = Audit(session, principal.tenant, principal.user)

    def page(self, cursor: str | None, limit: int) -> paging.Page[Entry]:
        """In the order in which they were made."""
        query = select(GlossaryTermRow).order_by(GlossaryTermRow.id).limit(limit + 1)
        if (after := paging.decode(cursor)) is not None:
            query = query.where(GlossaryTermRow.id > after)
        found = [_entry(row) for row in self._session.execute(query).scalars()]
        return paging.page(found, limit, [one.id for one in found])

    def one(self, entry: UUID) -> Entry:
        """Raises GlossaryTermNotFound."""
        return _entry(self._row(entry))

    def add(self, term: str, expansions: Sequence[str]) -> Entry:
        """Raises BadGlossaryTerm, GlossaryTermExists, GlossaryFull."""
        made = _checked(uuid7(), term, expansions)
        if self._session.execute(select(func.count()).select_from(GlossaryTermRow)).scalar_one() >= MOST:
            raise GlossaryFull
        if not _insert(self._session, self._tenant, made):
            raise GlossaryTermExists.about(made.term)
        self._audit.record("glossary.create", made.id, after=_digest(made))
        return made

    def change(self, entry: UUID, expansions: Sequence[str]) -> Entry:
        """What the term stands for, in place of what it stood for. Raises GlossaryTermNotFound, BadGlossaryTerm."""
        row = self._row(entry)
        before, after = _entry(row), _checked(entry, row.term, expansions)
        row.expansions, row.forms = list(after.expansions), _forms(after)
        self._session.flush()
        self._audit.record("glossary.update", entry, before=_digest(before), after=_digest(after))
        return after

    def remove(self, entry: UUID) -> None:
        """Raises GlossaryTermNotFound."""
        gone = self.one(entry)
        self._session.execute(delete(GlossaryTermRow).where(GlossaryTermRow.id == entry))
        self._audit.record("glossary.delete", entry, before=_digest(gone))

    def carried(self) -> list[dict[str, object]]:
        """All of it, as an archive carries it."""
        rows = self._session.execute(select(GlossaryTermRow).order_by(GlossaryTermRow.id)).scalars()
        return [{"term": row.term, "expansions": row.expansions} for row in rows]

    def _row(self, entry: UUID) -> GlossaryTermRow:
        query = select(GlossaryTermRow).where(GlossaryTermRow.id == entry).with_for_update()
        row = self._session.execute(query).scalar_one_or_none()
        if row is None:
            raise GlossaryTermNotFound.about(entry)
        return row


def take_in(session: Session, tenant: TenantId, user: UserId, told: Iterable[Told]) -> None:
    """Add what an archive carries, on behalf of this user, as far as there is room; what is there stays as it is.

    Raises BadGlossaryTerm.
    """
    audit = Audit(session, tenant, user)
    room = MOST - session.execute(select(func.count()).select_from(GlossaryTermRow)).scalar_one()
    for one in [_checked(uuid7(), term, expansions) for term, expansions in told]:
        if room > 0 and _insert(session, tenant, one):
            room -= 1
            audit.record("glossary.create", one.id, after=_digest(one))


def differing(session: Session, told: Iterable[Told]) -> list[str]:
    """Terms of an archive that stand for something else here, or for nothing."""
    there = {row.key: sorted(row.forms) for row in session.execute(select(GlossaryTermRow)).scalars()}
    carried = [_checked(uuid7(), term, expansions) for term, expansions in told]
    return sorted(one.term for one in carried if there.get(_forms(one)[0]) != sorted(_forms(one)))


def _insert(session: Session, tenant: TenantId, made: Entry) -> bool:
    columns = {"id": made.id, "tenant_id": tenant, "term": made.term, "expansions": list(made.expansions)}
    statement = insert(GlossaryTermRow).values(**columns, key=_forms(made)[0], forms=_forms(made))
    added = statement.on_conflict_do_nothing().returning(GlossaryTermRow.id)
    return session.execute(added).one_or_none() is not None


def _checked(entry: UUID, term: str, expansions: Sequence[str]) -> Entry:
    """As it is stored: NFC, white space made one, what is written alike once. Raises BadGlossaryTerm."""
    written = [" ".join(unicodedata.normalize("NFC", one).split()) for one in (term, *expansions)]
    for one in written:
        if not SHORTEST <= len(one) <= LONGEST or not one.isprintable() or not terms(one):
            raise BadGlossaryTerm(f"{one!r} is no term")
    apart: dict[str, str] = {}
    for one in written:
        apart.setdefault(normal(one), one)
    first, *others = apart.values()
    if not 1 <= len(others) <= MOST_EXPANSIONS:
        raise BadGlossaryTerm(f"{written[0]!r} has {len(others)} expansions")
    return Entry(entry, first, tuple(others))


def _forms(entry: Entry) -> list[str]:
    return [normal(one) for one in (entry.term, *entry.expansions)]


def _digest(entry: Entry) -> str:
    return digest_of({"term": entry.term, "expansions": list(entry.expansions)})


def _entry(row: GlossaryTermRow) -> Entry:
    return Entry(row.id, row.term, tuple(row.expansions))
