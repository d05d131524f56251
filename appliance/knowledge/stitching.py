"""Passages with their neighbours: what stands before and after a passage in its document, read as one text.

Passages whose texts then meet become one, at the place of the best of them, so that no sentence is shown twice. The
text is cut from the revision's normal text: ``text[start:end]`` holds for it as for a chunk.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Integer, Row, Uuid, and_, column, func, or_, select, values
from sqlalchemy.orm import Session

from appliance.access.principal import Principal
from appliance.knowledge import boxes, confidence
from appliance.knowledge.passages import Passage, hold
from appliance.knowledge.tables import ChunkRow, RevisionRow

MOST: Final = 3
"""Neighbours on each side."""


@dataclass(frozen=True, slots=True)
class Run:
    """Chunks ``first`` to ``last`` of a revision, around the passages at these places of the result, best first."""

    revision: UUID
    first: int
    last: int
    members: tuple[int, ...]


def runs(found: Sequence[tuple[UUID, int]], around: int) -> list[Run]:
    """The runs around these chunks, given as (revision, ordinal) best first; none touches another. Pure."""
    joined: list[Run] = []
    for place in sorted(range(len(found)), key=lambda place: found[place]):
        revision, ordinal = found[place]
        last = joined[-1] if joined else None
        if last and last.revision == revision and ordinal - around <= last.last + 1:
            members = tuple(sorted((*last.members, place)))
            joined[-1] = replace(last, last=ordinal + around, members=members)
        else:
            joined.append(Run(revision, max(ordinal - around, 0), ordinal + around, (place,)))
    return sorted(joined, key=lambda run: run.members[0])


def stitched(session: Session, principal: Principal, found: Sequence[Passage], around: int) -> tuple[Passage, ...]:
    """``found`` with up to ``around`` neighbours on each side. What may not be read any more is left out."""
    still = hold(session, principal, {passage.document for passage in found})
    found = [passage for passage in found if passage.document in still]
    joined = runs([(passage.revision, passage.ordinal) for passage in found], around)
    chunks = _chunks(session, joined)
    texts = _texts(session, chunks)
    whole = []
    for number, run in enumerate(joined):
        best, its = found[run.members[0]], chunks.get(number)
        if its is None or number not in texts:  # replaced by a newer revision meanwhile
            whole.append(best)
            continue
        first, last = its[0], its[-1]
        told = {"text": texts[number], "start": first.start, "end": last.end, "page": first.page, "line": first.line}
        told |= {"recognised": tuple(line for one in its for line in confidence.lines(one.recognised))}
        told |= {"sheets": tuple(sheet for one in its for sheet in boxes.sheet(one.page, one.placed))}
        whole.append(replace(best, **told, chunks=tuple(one.id for one in its)))
    return tuple(whole)


def _chunks(session: Session, joined: Sequence[Run]) -> dict[int, list[Row[*tuple[Any, ...]]]]:
    """Number of a run → its chunks in their order."""
    if not joined:
        return {}
    wanted = [
        and_(ChunkRow.revision_id == run.revision, ChunkRow.ordinal.between(run.first, run.last)) for run in joined
    ]
    shown = (
        ChunkRow.id,
        ChunkRow.revision_id,
        ChunkRow.ordinal,
        ChunkRow.start,
        ChunkRow.end,
        ChunkRow.page,
        ChunkRow.line,
        ChunkRow.recognised,
        ChunkRow.placed,
    )
    query = select(*shown).where(or_(*wanted)).order_by(ChunkRow.ordinal)
    numbers = {(run.revision, ordinal): n for n, run in enumerate(joined) for ordinal in range(run.first, run.last + 1)}
    found: dict[int, list[Row[*tuple[Any, ...]]]] = defaultdict(list)
    for row in session.execute(query):
        found[numbers[row.revision_id, row.ordinal]].append(row)
    return dict(found)


def _texts(session: Session, chunks: dict[int, list[Row[*tuple[Any, ...]]]]) -> dict[int, str]:
    """Number of a run → what its revision says from its first chunk to its last."""
    if not chunks:
        return {}
    spans = values(
        column("number", Integer),
        column("revision", Uuid),
        column("start", Integer),
        column("size", Integer),
        name="spans",
    ).data([(n, its[0].revision_id, its[0].start, its[-1].end - its[0].start) for n, its in chunks.items()])
    cut = func.substr(RevisionRow.text, spans.c.start + 1, spans.c.size).label("cut")
    query = select(spans.c.number, cut).join(RevisionRow, RevisionRow.id == spans.c.revision)
    return {row.number: row.cut for row in session.execute(query)}
