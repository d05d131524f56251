"""From a question to passages: terms and a vector, one query to the index, fusion, and PostgreSQL's word on access.

    question ─▶ language, terms ─▶ IDF of the tenant ─┐
             └▶ encoder (if it knows the language) ───┴▶ index, both legs ─▶ fusion ─▶ access by id ─▶ passages

No session is open while the encoder or the index is waited for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from appliance.access.principal import Principal
from appliance.audit.service import Audit
from appliance.drivers.encoder.port import Encoder, EncoderNotReady
from appliance.drivers.vectors.port import Sparse
from appliance.kit import clock
from appliance.kit.database import Database
from appliance.knowledge import bm25, passages
from appliance.knowledge.access import Changes, Index
from appliance.knowledge.fusion import DEPTH, Fused, covers, hybrid
from appliance.knowledge.language import Language, detect
from appliance.knowledge.passages import Passage
from appliance.knowledge.repository import Collections

_SLICE: Final = 2
"""Candidates looked up at once, as a multiple of what is wanted: nearly all are readable, so one look is enough.

Where it is not, each look is of twice as many."""
_MOST_AT_ONCE: Final = 2000


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds. ``total`` holds also what is computed here."""

    encode_ms: float = 0.0
    vectors_ms: float = 0.0
    access_ms: float = 0.0
    total_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a search; ``note`` says why a leg had no vote, where one had none."""

    question: str
    language: Language
    passages: tuple[Passage, ...]
    legs: tuple[str, ...]
    note: str | None
    timings: Timings


@dataclass(frozen=True, slots=True)
class _Query:
    principal: Principal
    dense: NDArray[np.float32] | None
    sparse: Sparse | None
    changes: Changes
    collections: tuple[UUID, ...] | None


class _Watch:
    """Adds up the time that each part takes."""

    def __init__(self) -> None:
        self._begun = self._last = clock.monotonic()
        self.spent = {"encode_ms": 0.0, "vectors_ms": 0.0, "access_ms": 0.0}

    def charge(self, part: str) -> None:
        """What passed since the last charge goes to this part."""
        now = clock.monotonic()
        self.spent[part] += (now - self._last) * 1000
        self._last = now

    def timings(self) -> Timings:
        """Rounded to microseconds."""
        total = (clock.monotonic() - self._begun) * 1000
        return Timings(**{part: round(value, 3) for part, value in self.spent.items()}, total_ms=round(total, 3))


class Retrieval:
    """Searches for a principal. Safe to share between threads."""

    def __init__(self, database: Database, index: Index, encoder: Encoder, depth: int = DEPTH) -> None:
        self.depth = depth
        self._database = database
        self._index = index
        self._encoder = encoder

    def find(
        self, principal: Principal, question: str, *, limit: int = 10, collections: Sequence[str] | None = None
    ) -> Found:
        """The ``limit`` best passages that the principal may read, in the named collections (ids or names) or in all.

        Raises CollectionNotFound, and Unavailable when the index does not answer.
        """
        watch, language = _Watch(), detect(question)
        counts = bm25.counted(question)
        with self._database.session(principal.tenant) as session:
            known = Collections(session, principal.tenant, principal.readers)
            within = known.resolve(collections) if collections is not None else None
            weights = bm25.question(counts, passages.statistics(session, list(counts)))
            changes = passages.changes(session, principal)
        watch.charge("access_ms")
        dense, note = self._vector(question, language)
        watch.charge("encode_ms")
        sparse = Sparse(weights.ids, weights.values) if len(weights) else None
        query = _Query(principal, dense, sparse, changes, within)
        found = tuple(self._readable(query, limit, watch))
        legs = ("sparse",) if dense is None else ("sparse", "dense")
        return Found(question, language, found, legs, note, watch.timings())

    def search(
        self,
        principal: Principal,
        question: str,
        *,
        limit: int = 10,
        collections: Sequence[str] | None = None,
        by: Principal | None = None,
    ) -> Found:
        """As :meth:`find`, for somebody who reads the passages: who, and of which documents, is audited.

        ``by``: who looks through the eyes of ``principal``, of the same tenant.
        """
        found = self.find(principal, question, limit=limit, collections=collections)
        read = sorted({str(passage.document) for passage in found.passages})
        with self._database.session(principal.tenant) as session:
            audit = Audit(session, principal.tenant, (by or principal).user)
            act, whose = ("document.search_as", principal.user) if by else ("document.search", None)
            audit.record(act, whose, passages=len(found.passages), documents=read)
        return found

    def _vector(self, question: str, language: Language) -> tuple[NDArray[np.float32] | None, str | None]:
        if not covers(self._encoder.languages, language):
            return None, f"The encoder does not know the language of the question ({language}): words alone were used."
        try:
            return self._encoder.encode([question], urgent=True)[0], None
        except EncoderNotReady:
            return None, "The encoder is not ready: words alone were used."

    def _readable(self, query: _Query, limit: int, watch: _Watch) -> Iterator[Passage]:
        """Until ``limit`` remain or the index has no more: what may not be read is replaced from further down."""
        depth, seen, left = self.depth, set[UUID](), limit
        while left > 0:
            candidates, exhausted = self._candidates(query, depth)
            watch.charge("vectors_ms")
            fresh = [one for one in candidates if one.id not in seen]
            seen.update(one.id for one in fresh)
            for passage in self._checked(query, fresh, left):
                left -= 1
                yield passage
            watch.charge("access_ms")
            if exhausted:
                return
            depth *= 4

    def _candidates(self, query: _Query, depth: int) -> tuple[list[Fused[UUID]], bool]:
        legs = self._index.search(
            query.principal,
            query.dense,
            query.sparse,
            depth,
            changes=query.changes,
            collections=query.collections,
        )
        sparse = [(hit.id, hit.score) for hit in legs.sparse]
        dense = [(hit.id, hit.score) for hit in legs.dense]
        fused = hybrid(sparse, dense, dense_votes=query.dense is not None)
        return fused, max(len(sparse), len(dense)) < depth

    def _checked(self, query: _Query, candidates: Sequence[Fused[UUID]], limit: int) -> list[Passage]:
        """The first ``limit`` that may be read, in their order."""
        allowed: list[Passage] = []
        start, step = 0, max(limit * _SLICE, 20)
        with self._database.session(query.principal.tenant) as session:
            while start < len(candidates):
                part = candidates[start : start + step]
                start, step = start + step, min(step * 2, _MOST_AT_ONCE)
                rows = passages.readable(session, query.principal, [one.id for one in part], query.collections)
                allowed += [replace(rows[one.id], score=one.score, places=one.places) for one in part if one.id in rows]
                if len(allowed) >= limit:
                    break
        return allowed[:limit]
