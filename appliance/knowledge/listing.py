"""The passages of a document as search has them: of the revision that is served, in their order. Never commits."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.access.principal import Principal
from appliance.audit.service import Audit
from appliance.kit import paging
from appliance.kit.errors import BadCursor
from appliance.knowledge import boxes, confidence
from appliance.knowledge.boxes import Box
from appliance.knowledge.errors import DocumentNotFound, NoText
from appliance.knowledge.repository import read_by
from appliance.knowledge.tables import ChunkRow, DocumentRow


@dataclass(frozen=True, slots=True)
class Listed:
    """A passage; ``start`` and ``end`` count code points of the revision's normal text."""

    id: UUID
    ordinal: int
    revision: UUID
    text: str
    start: int
    end: int
    page: int | None
    line: int
    headings: tuple[str, ...]
    language: str
    confidence: float | None
    boxes: tuple[Box, ...]


class Listing:
    """Of documents that one person may read."""

    def __init__(self, session: Session, principal: Principal) -> None:
        self._session = session
        self._principal = principal

    def page(self, document: UUID, cursor: str | None, limit: int) -> paging.Page[Listed]:
        """Raises DocumentNotFound, NoText where none is served yet, BadCursor: also where it is another since."""
        revision = self._served(document)
        query = select(ChunkRow).where(ChunkRow.revision_id == revision).order_by(ChunkRow.ordinal).limit(limit + 1)
        if (after := paging.decode(cursor)) is not None:
            last = select(ChunkRow.ordinal).where(ChunkRow.id == after, ChunkRow.revision_id == revision)
            ordinal = self._session.execute(last).scalar_one_or_none()
            if ordinal is None:
                raise BadCursor
            query = query.where(ChunkRow.ordinal > ordinal)
        found = [_listed(row) for row in self._session.execute(query).scalars()]
        Audit(self._session, self._principal.tenant, self._principal.user).record("document.read", document)
        return paging.page(found, limit, [one.id for one in found])

    def _served(self, document: UUID) -> UUID:
        query = select(DocumentRow.name, DocumentRow.current_revision).where(
            DocumentRow.id == document,
            DocumentRow.state != "deleting",
            read_by(DocumentRow.readers, self._principal.readers),
        )
        row = self._session.execute(query).one_or_none()
        if row is None:
            raise DocumentNotFound.about(document)
        if row.current_revision is None:
            raise NoText.about(row.name)
        served: UUID = row.current_revision
        return served


def _listed(row: ChunkRow) -> Listed:
    return Listed(
        id=row.id,
        ordinal=row.ordinal,
        revision=row.revision_id,
        text=row.text,
        start=row.start,
        end=row.end,
        page=row.page,
        line=row.line,
        headings=tuple(row.headings),
        language=row.language,
        confidence=confidence.least(confidence.lines(row.recognised)),
        boxes=boxes.boxes(boxes.sheet(row.page, row.placed)),
    )
