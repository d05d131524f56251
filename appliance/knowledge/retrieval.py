"""From a question to passages: terms and a vector, one query to the index, fusion, and PostgreSQL's word on access.

    question ─▶ language, terms ─▶ IDF of the tenant ─┐
             └▶ encoder (if it knows the language) ───┴▶ index, both legs ─▶ fusion ─▶ access by id ─▶ passages

PostgreSQL is asked in one round trip before and in one after (``kit.asking``), and nothing of it is held while the
encoder or the index is waited for.
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
from appliance.kit.asking import ask
from appliance.kit.database import Database
from appliance.knowledge import narrowing, passages
from appliance.knowledge.access import Index
from appliance.knowledge.beforehand import Beforehand, beforehand
from appliance.knowledge.expansion import Expansion
from appliance.knowledge.folding import Folding
from appliance.knowledge.fusion import DEPTH, Fused, covers, hybrid
from appliance.knowledge.highlights import highlights
from appliance.knowledge.language import Language, detect
from appliance.knowledge.passages import Passage
from appliance.knowledge.reranked import LEG, Rereading
from appliance.knowledge.stitching import stitched
from appliance.knowledge.terms import terms
from appliance.knowledge.wish import PLAIN, Filters, Wish

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
    rerank_ms: float = 0.0
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
    expansion: Expansion


@dataclass(frozen=True, slots=True)
class _Query:
    principal: Principal
    dense: NDArray[np.float32] | None
    sparse: Sparse | None
    known: Beforehand
    filters: Filters


class _Watch:
    """Adds up the time that each part takes."""

    def __init__(self) -> None:
        self._begun = self._last = clock.monotonic()
        self.spent = dict.fromkeys(("encode_ms", "vectors_ms", "access_ms", "rerank_ms"), 0.0)

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

    def __init__(
        self,
        database: Database,
        index: Index,
        encoder: Encoder,
        depth: int = DEPTH,
        rereading: Rereading | None = None,
    ) -> None:
        self.depth = depth
        self.most_named = narrowing.MOST_NAMED
        self._database = database
        self._index = index
        self._encoder = encoder
        self._rereading = rereading

    def find(self, principal: Principal, question: str, wish: Wish = PLAIN) -> Found:
        """The best passages that the principal may read, as many and of what is wished for.

        Raises CollectionNotFound, SourceNotFound, and Unavailable when the index does not answer.
        """
        watch, language = _Watch(), detect(question)
        known = beforehand(self._database, principal, question, wish, self.most_named)
        watch.charge("access_ms")
        dense, note = self._vector(known.expansion, language)
        watch.charge("encode_ms")
        sparse = Sparse(known.weights.ids, known.weights.values) if len(known.weights) else None
        query = _Query(principal, dense, sparse, known, wish.filters)
        found = self._best(query, wish, watch)
        legs: tuple[str, ...] = ("sparse",) if dense is None else ("sparse", "dense")
        if self._rereading is not None and found:
            try:
                found, legs = self._rereading.ordered(question, found), (*legs, LEG)
            except EncoderNotReady:
                note = note or "The reranker is not ready: passages are in the order of the two rankings."
            watch.charge("rerank_ms")
        return Found(question, language, tuple(found[: wish.limit]), legs, note, watch.timings(), known.expansion)

    def search(self, principal: Principal, question: str, wish: Wish = PLAIN, *, by: Principal | None = None) -> Found:
        """As :meth:`find`, for somebody who reads the passages: who, and of which documents, is audited.

        Here passages get their neighbours and their marks. ``by``: who looks through the eyes of ``principal``, of the
        same tenant.
        """
        found = self.find(principal, question, wish)
        shown = found.passages
        with self._database.session(principal.tenant) as session:
            if wish.stitch and shown:
                shown = stitched(session, principal, shown, wish.stitch)
            read = sorted({str(one.document) for passage in shown for one in (passage, *passage.same)})
            audit = Audit(session, principal.tenant, (by or principal).user)
            act, whose = ("document.search_as", principal.user) if by else ("document.search", None)
            audit.record(act, whose, passages=len(shown), documents=read)
        words = terms(found.expansion.whole)
        return replace(found, passages=tuple(replace(one, marks=highlights(one.text, words)) for one in shown))

    def _vector(self, asked: Expansion, language: Language) -> tuple[NDArray[np.float32] | None, str | None]:
        if not covers(self._encoder.languages, language):
            return None, f"The encoder does not know the language of the question ({language}): words alone were used."
        try:
            return self._encoder.encode([asked.encoded(self._encoder.languages)], urgent=True)[0], None
        except EncoderNotReady:
            return None, "The encoder is not ready: words alone were used."

    def _best(self, query: _Query, wish: Wish, watch: _Watch) -> list[Passage]:
        """As many as are wished for or read again, or all that there are."""
        folding, most = Folding(wish.fold), max(wish.limit, self._rereading.most if self._rereading else 0)
        for passage in self._readable(query, most, watch):
            folding.add(passage)
            if len(folding) > most:  # one too many: what says the same as the last one stands under it by now
                break
        watch.charge("access_ms")
        return folding.passages()[:most]

    def _readable(self, query: _Query, limit: int, watch: _Watch) -> Iterator[Passage]:
        """Until the index has no more: what may not be read is replaced from further down."""
        depth, seen = self.depth, set[UUID]()
        while True:
            candidates, exhausted = self._candidates(query, depth)
            watch.charge("vectors_ms")
            fresh = [one for one in candidates if one.id not in seen] if seen else candidates
            yield from self._checked(query, fresh, limit)
            watch.charge("access_ms")
            if exhausted:
                return
            seen.update(one.id for one in fresh)
            depth *= 4

    def _candidates(self, query: _Query, depth: int) -> tuple[list[Fused[UUID]], bool]:
        legs = self._index.search(
            query.principal,
            query.dense,
            query.sparse,
            depth,
            changes=query.known.changes,
            collections=query.known.collections,
            documents=query.known.documents,
        )
        sparse = [(hit.id, hit.score) for hit in legs.sparse]
        dense = [(hit.id, hit.score) for hit in legs.dense]
        fused = hybrid(sparse, dense, dense_votes=query.dense is not None)
        return fused, max(len(sparse), len(dense)) < depth

    def _checked(self, query: _Query, candidates: Sequence[Fused[UUID]], limit: int) -> Iterator[Passage]:
        """Those that may be read, in their order; looked up as far as they are taken."""
        start, step = 0, max(limit * _SLICE, 20)
        while start < len(candidates):
            part = candidates[start : start + step]
            start, step = start + step, min(step * 2, _MOST_AT_ONCE)
            ids = [one.id for one in part]
            known = query.known
            asked = passages.readable(query.principal, ids, known.collections, known.sources, query.filters)
            rows = passages.shown(*ask(self._database, query.principal.tenant, asked))
            yield from (replace(rows[one.id], score=one.score, places=one.places) for one in part if one.id in rows)
