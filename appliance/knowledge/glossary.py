"""A tenant's glossary: acronyms and other words with what they stand for. Never commits."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance.access.principal import Principal
from appliance.audit.service import Audit
from appliance.kit import paging
from appliance.kit.canonical import digest_of
from appliance.kit.ids import uuid7
from appliance.knowledge.errors import BadGlossaryTerm, GlossaryFull, GlossaryTermExists, GlossaryTermNotFound
from appliance.knowledge.tables import GlossaryTermRow
from appliance.knowledge.terms import normal, terms

MOST: Final = 2000
SHORTEST, LONGEST, MOST_EXPANSIONS = 2, 100, 20


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
        columns = {"id": made.id, "tenant_id": self._tenant, "term": made.term, "expansions": list(made.expansions)}
        statement = insert(GlossaryTermRow).values(**columns, key=_forms(made)[0], forms=_forms(made))
        if (
            self._session.execute(statement.on_conflict_do_nothing().returning(GlossaryTermRow.id)).one_or_none()
            is None
        ):
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

    def _row(self, entry: UUID) -> GlossaryTermRow:
        query = select(GlossaryTermRow).where(GlossaryTermRow.id == entry).with_for_update()
        row = self._session.execute(query).scalar_one_or_none()
        if row is None:
            raise GlossaryTermNotFound.about(entry)
        return row


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
