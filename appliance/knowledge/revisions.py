"""The revisions of a document: listed, their normal texts, and what differs between two of them.

Former revisions have no chunks any more and are found by no search; their texts stay as long as the document does.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.access.principal import Principal
from appliance.audit.service import Audit
from appliance.knowledge import confidence
from appliance.knowledge.documents import NormalText
from appliance.knowledge.errors import NoText, RevisionNotFound, TooLongToCompare
from appliance.knowledge.service import Knowledge
from appliance.knowledge.tables import DocumentRow, RevisionRow

MOST_LINES: Final = 3_000
"""Of either text: what differs is looked for in time that grows with the product of both."""
MOST_TOLD: Final = 2_000
LONGEST_LINE: Final = 2_000
_CONTEXT: Final = 3


@dataclass(frozen=True, slots=True)
class Revision:
    """One content of a document. ``served``: its text is what searches and citations speak of."""

    id: UUID
    number: int
    sha256: str
    bytes: int
    media_type: str | None
    pages: int | None
    chunks: int | None
    reading: Mapping[str, Any]
    served: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Difference:
    """A unified diff by lines of the normal texts. ``cut``: there is more than is told, or a line is longer."""

    before: int
    after: int
    lines: tuple[str, ...]
    cut: bool


class Revisions:
    """Of documents that one person may read."""

    def __init__(self, session: Session, principal: Principal) -> None:
        self._session = session
        self._knowledge = Knowledge(session, principal)
        self._audit = Audit(session, principal.tenant, principal.user)

    def all(self, document: UUID) -> tuple[Revision, ...]:
        """Newest first. Raises DocumentNotFound."""
        self._knowledge.document(document)
        current = select(DocumentRow.current_revision).where(DocumentRow.id == document)
        served = self._session.execute(current).scalar_one()
        query = select(RevisionRow).where(RevisionRow.document_id == document).order_by(RevisionRow.number.desc())
        return tuple(
            Revision(
                id=row.id,
                number=row.number,
                sha256=row.sha256,
                bytes=row.bytes,
                media_type=row.media_type,
                pages=row.pages,
                chunks=row.chunk_count,
                reading=row.reading,
                served=row.id == served,
                created_at=row.created_at,
            )
            for row in self._session.execute(query).scalars()
        )

    def text(self, document: UUID, number: int) -> NormalText:
        """Of one revision. Raises DocumentNotFound, RevisionNotFound, NoText."""
        found = self._text(document, number)
        self._audit.record("document.read", document, revision=number)
        return found

    def difference(self, document: UUID, before: int, after: int) -> Difference:
        """Raises DocumentNotFound, RevisionNotFound, NoText, TooLongToCompare."""
        old, new = (self._text(document, number).text.splitlines() for number in (before, after))
        if max(len(old), len(new)) > MOST_LINES:
            raise TooLongToCompare(f"{max(len(old), len(new))} lines")
        self._audit.record("document.compare", document, revisions=[before, after])
        told = difflib.unified_diff(old, new, f"revision {before}", f"revision {after}", lineterm="", n=_CONTEXT)
        lines = tuple(islice(told, MOST_TOLD + 1))
        short = tuple(_shortened(lines[:MOST_TOLD]))
        return Difference(before, after, short, cut=len(lines) > MOST_TOLD or short != lines)

    def _text(self, document: UUID, number: int) -> NormalText:
        name = self._knowledge.document(document).name
        query = select(RevisionRow).where(RevisionRow.document_id == document, RevisionRow.number == number)
        row = self._session.execute(query).scalar_one_or_none()
        if row is None:
            raise RevisionNotFound.about(number)
        if row.text is None:
            raise NoText.about(name)
        return NormalText(row.id, row.title or name, row.text, confidence.lines(row.recognised))


def _shortened(lines: tuple[str, ...]) -> Iterator[str]:
    for line in lines:
        yield line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} …"
