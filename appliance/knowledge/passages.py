"""Passages by id, as PostgreSQL lets a principal see them. The index proposes; this decides before a chunk is shown."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Uuid,
    and_,
    any_,
    bindparam,
    cast,
    func,
    not_,
    null,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Session

from appliance.access.principal import Principal, TenantId
from appliance.kit.asking import Asked, Question
from appliance.knowledge import boxes, confidence, narrowing
from appliance.knowledge.access import Changes
from appliance.knowledge.bm25 import Statistics
from appliance.knowledge.boxes import Sheet
from appliance.knowledge.fusion import Place
from appliance.knowledge.narrowing import Ids
from appliance.knowledge.parsing.parsed import Recognised
from appliance.knowledge.repository import names_one
from appliance.knowledge.tables import ChunkRow, CorpusStatisticsRow, DocumentRow, RevisionRow, TermStatisticsRow
from appliance.knowledge.wish import Filters

_SHOWN: Final = (
    ChunkRow.id,
    ChunkRow.document_id,
    ChunkRow.collection_id,
    ChunkRow.revision_id,
    ChunkRow.ordinal,
    ChunkRow.page,
    ChunkRow.line,
    ChunkRow.headings,
    ChunkRow.lead,
    ChunkRow.text,
    ChunkRow.start,
    ChunkRow.end,
    ChunkRow.language,
    ChunkRow.recognised,
    ChunkRow.placed,
)
"""Not the embedding and the terms: they are most of a row's bytes."""
MOST_NAMED: Final = 2000
"""Documents whose change of access the index does not know yet. With more grants than that it is asked without a
filter; more revokes are found out when they are looked up."""


_TENANT: Final = bindparam("tenant", type_=Uuid())
_READ: Final = and_(
    DocumentRow.state != "deleting", names_one(DocumentRow.readers, bindparam("readers", type_=ARRAY(TEXT)))
)


def _readable() -> Select[Any]:
    """Of chunks by id those that may be read and pass the filters. Arrays, so that it is one text and prepared once.

    Each step is by id, and fenced: a planner without statistics (all that was ingested in the last minute) goes through
    the tenant's chunks, or for each chunk through its documents.
    """
    found = (
        select(*_SHOWN)
        .where(ChunkRow.id == any_(bindparam("chunks", type_=ARRAY(Uuid))), ChunkRow.tenant_id == _TENANT)  # beside RLS
        .cte("found")
        .prefix_with("materialized")
    )
    its = (
        DocumentRow.tenant_id == _TENANT,
        DocumentRow.id == found.c.document_id,
        DocumentRow.current_revision == found.c.revision_id,
    )
    passing = narrowing.inside(), narrowing.of_document()
    document = select(DocumentRow.name).where(*its, _READ, *passing).limit(1).lateral("document")
    same = RevisionRow.tenant_id == _TENANT, RevisionRow.id == found.c.revision_id
    revision = select(RevisionRow.title).where(*same, narrowing.of_revision()).limit(1).lateral("revision")
    title = func.coalesce(func.nullif(revision.c.title, ""), document.c.name).label("title")
    shown = select(found, document.c.name, title).select_from(found)
    return shown.join(document, true()).join(revision, true())


_READABLE: Final = Question(_readable())
_STATISTICS: Final = Question(
    select(TermStatisticsRow.term, TermStatisticsRow.chunks)
    .where(
        TermStatisticsRow.tenant_id == _TENANT,
        TermStatisticsRow.term == any_(bindparam("terms", type_=ARRAY(BigInteger))),
    )
    .union_all(select(null(), CorpusStatisticsRow.chunks).where(CorpusStatisticsRow.tenant_id == _TENANT))
)
_CHANGES: Final = Question(
    select(DocumentRow.id, _READ.label("granted"))
    .where(DocumentRow.tenant_id == _TENANT, DocumentRow.access_changed_at.is_not(None))
    .order_by(_READ.desc())
    .limit(MOST_NAMED + 1)
)


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk with what a citation of it needs; offsets are into the revision's normal text, in code points."""

    chunk: UUID
    document: UUID
    name: str
    collection: UUID
    revision: UUID
    title: str
    page: int | None
    line: int
    headings: tuple[str, ...]
    lead: str
    text: str
    start: int
    end: int
    language: str
    ordinal: int = 0
    score: float = 0.0
    places: dict[str, Place] = field(default_factory=dict)
    """Its rank and score in each leg of the search that found it: ``sparse``, ``dense``."""
    same: tuple["Passage", ...] = ()
    """Passages further down that say the same."""
    chunks: tuple[UUID, ...] = ()
    """All chunks that the text is of, where neighbours were put to it."""
    marks: tuple[tuple[int, int], ...] = ()
    """Where the question's words stand in the text."""
    recognised: tuple[Recognised, ...] = ()
    """Its lines that were read from a picture, with offsets as ``start`` and ``end``."""
    sheets: tuple[Sheet, ...] = ()
    """Its lines of which is known where they stand on their pages, the same."""


_ALL: Final = Filters()


def readable(
    principal: Principal,
    chunks: Sequence[UUID],
    collections: Ids = None,
    sources: Ids = None,
    filters: Filters = _ALL,
) -> Asked:
    """Asks for those of the chunks that are of a current revision of a document that the principal may read."""
    passing = narrowing.given(filters, collections, sources)
    return _READABLE.of(tenant=principal.tenant, chunks=list(chunks), readers=sorted(principal.readers), **passing)


def shown(rows: Sequence[Any]) -> dict[UUID, Passage]:
    """What was asked with ``readable``, by the chunks' ids."""
    return {row.id: _passage(row) for row in rows}


def hold(session: Session, principal: Principal, documents: Collection[UUID]) -> frozenset[UUID]:
    """Those of the documents that the principal may read now; until the transaction ends none of them is forgotten.

    Whoever keeps what a document says calls this in the same transaction: forgetting locks the document first, so it
    either was seen here, or it sees what was kept.
    """
    query = _those(principal, documents).where(_may(principal)).order_by(DocumentRow.id).with_for_update(read=True)
    return frozenset(session.execute(query).scalars())


def closed(session: Session, principal: Principal, documents: Collection[UUID]) -> frozenset[UUID]:
    """Those of the documents that are there and that the principal may not read now."""
    if not documents:
        return frozenset()
    return frozenset(session.execute(_those(principal, documents).where(not_(_may(principal)))).scalars())


def _those(principal: Principal, documents: Collection[UUID]) -> Select[UUID]:
    return select(DocumentRow.id).where(DocumentRow.id.in_(documents), DocumentRow.tenant_id == principal.tenant)


def _may(principal: Principal) -> ColumnElement[bool]:
    return and_(
        DocumentRow.state != "deleting", names_one(DocumentRow.readers, cast(sorted(principal.readers), ARRAY(TEXT)))
    )


def statistics(tenant: TenantId, terms: Collection[int]) -> Asked:
    """Asks how many chunks a tenant has, and in how many of them each of the terms stands."""
    return _STATISTICS.of(tenant=tenant, terms=list(terms))


def counted(*answers: Sequence[Any]) -> Statistics:
    """What was asked with ``statistics``, once or more often."""
    found: dict[int | None, int] = {row.term: row.chunks for rows in answers for row in rows}
    whole = found.pop(None, 0)
    return Statistics(whole, {term: chunks for term, chunks in found.items() if term is not None})


def changes(principal: Principal) -> Asked:
    """Asks about the documents whose readers the index does not know yet: which of them the principal may read."""
    return _CHANGES.of(tenant=principal.tenant, readers=sorted(principal.readers))


def changed(rows: Sequence[Any]) -> Changes:
    """What was asked with ``changes``."""
    if len(rows) > MOST_NAMED and rows[-1].granted:
        return Changes(everything=True)
    return Changes(tuple(row.id for row in rows if row.granted), tuple(row.id for row in rows if not row.granted))


def _passage(row: Any) -> Passage:  # noqa: ANN401 - a row as the driver gives it
    return Passage(
        chunk=row.id,
        document=row.document_id,
        name=row.name,
        collection=row.collection_id,
        revision=row.revision_id,
        title=row.title,
        page=row.page,
        line=row.line,
        headings=tuple(row.headings),
        lead=row.lead,
        text=row.text,
        start=row.start,
        end=row.end,
        language=row.language,
        ordinal=row.ordinal,
        recognised=confidence.lines(row.recognised),
        sheets=boxes.sheet(row.page, row.placed),
    )
