"""Made-up companies by the million: chunks of tenants of very different sizes, each document open to some of 50 groups.

Written by COPY, as ingests would have left them; the index then makes itself from them, as it does after a loss.
Vectors have topics, documents within them and chunks within those, in ``LATENT`` of 384 dimensions: a guess at what
those of real texts are like, by which recall may flatter; terms come after Zipf.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import numpy as np
import psycopg
from numpy.typing import NDArray

from appliance.access.principal import EVERYONE, Principal, Role, TenantId, UserId
from appliance.kit.ids import uuid7
from bench.query.words import PASSAGE, VOCABULARY
from tests.factories.points import Corpus, unit

DIMENSIONS: Final = 384
LATENT: Final = 24
TERMS: Final = 80
A_DOCUMENT: Final = 20
BLOCK: Final = 10_000
GROUPS: Final = tuple(UUID(int=(7 << 76) + number) for number in range(1, 51))
OPEN: Final = 0.1
"""The share of documents that everyone may read; the others are open to one to three groups."""
LARGEST, SMALLEST, TENANTS = 0.5, 0.001, 20

Floats = NDArray[np.float32]


def shares() -> list[float]:
    """One tenant has half of all, one a thousandth, the others between."""
    between = np.geomspace(1, 30, TENANTS - 2)
    return [LARGEST, *(between[::-1] / between.sum() * (1 - LARGEST - SMALLEST)).tolist(), SMALLEST]


class Meaning:
    """Vectors of one tenant's chunks, and of questions about them."""

    def __init__(self, chunks: int, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self._turn = np.random.default_rng(1).normal(size=(LATENT, DIMENSIONS)).astype(np.float32)
        self._topics = self.random.normal(size=(max(chunks // 2_000, 5), LATENT)).astype(np.float32)

    def documents(self, count: int) -> Floats:
        """Where documents stand (count, latent)."""
        topics = self._topics[self.random.integers(0, len(self._topics), count)]
        return topics + 0.6 * self._noise(topics.shape)

    def chunks(self, documents: Floats) -> Floats:
        """One unit vector (n, 384) of each of these documents."""
        inner = documents + 0.5 * self._noise(documents.shape)
        return unit(inner @ self._turn + 0.3 * self._noise((len(inner), DIMENSIONS)))

    def _noise(self, shape: tuple[int, ...]) -> Floats:
        return self.random.standard_normal(shape, np.float32)


@dataclass
class Best:
    """The ten best of all chunks that a reader may see, for questions as vectors, found by looking at each of them."""

    principal: Principal
    asked: Floats
    readable: int = 0
    scores: Floats = field(init=False)
    ids: list[list[bytes]] = field(init=False)

    def __post_init__(self) -> None:
        self.scores = np.full((len(self.asked), 10), -2, np.float32)
        self.ids = [[b""] * 10 for _ in self.asked]

    def see(self, ids: Sequence[UUID], vectors: Floats, readable: NDArray[np.bool_]) -> None:
        """Take these chunks into account."""
        kept = np.flatnonzero(readable)
        self.readable += len(kept)
        found = self.asked @ vectors[kept].T
        for number, scores in enumerate(found):
            best = np.argpartition(-scores, 10)[:10] if len(scores) > 10 else np.arange(len(scores))
            both = np.concatenate([self.scores[number], scores[best]])
            names = [*self.ids[number], *(ids[kept[one]].bytes for one in best)]
            order = np.argsort(-both)[:10]
            self.scores[number], self.ids[number] = both[order], [names[one] for one in order]


@dataclass
class Company:
    """A tenant to be: so many chunks, and who asks what of them."""

    share: float
    size: int
    seed: int
    tenant: TenantId = field(default_factory=lambda: TenantId(uuid7()))
    collection: UUID = field(default_factory=uuid7)
    best: list[Best] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.meaning = Meaning(self.size, self.seed)
        self.words = Corpus(2, vocabulary=VOCABULARY, seed=self.seed)
        self._chunks = np.zeros(len(VOCABULARY), np.int64)

    def member(self, groups: int) -> Principal:
        """Somebody who is in so many of the groups."""
        chosen = self.meaning.random.choice(len(GROUPS), groups, replace=False)
        its = frozenset(GROUPS[one] for one in chosen)
        return Principal(self.tenant, UserId(uuid7()), Role.MEMBER, "bench", groups=its)

    def questions(self, count: int) -> Floats:
        """Vectors of questions: as of chunks of documents that are not there."""
        return self.meaning.chunks(self.meaning.documents(count))

    def write(self, connection: "psycopg.Connection[Any]") -> None:
        """All of its rows."""
        with connection.cursor() as cursor:
            cursor.execute("insert into tenants (id, name) values (%s, %s)", (self.tenant, str(self.tenant)))
            cursor.execute(
                "insert into collections (id, tenant_id, name) values (%s, %s, 'all')", (self.collection, self.tenant)
            )
            for start in range(0, self.size, BLOCK):
                self._block(cursor, min(BLOCK, self.size - start))
            told = np.flatnonzero(self._chunks)
            rows = ((self.tenant, int(VOCABULARY[one]), int(self._chunks[one])) for one in told)
            copy(cursor, "term_statistics", {"tenant_id": "uuid", "term": "int8", "chunks": "int8"}, rows)
            cursor.execute("insert into corpus_statistics values (%s, %s)", (self.tenant, self.size))
        connection.commit()

    def _block(self, cursor: "psycopg.Cursor[Any]", size: int) -> None:
        documents = -(-size // A_DOCUMENT)
        ids = [(uuid7(), uuid7()) for _ in range(documents)]
        readers = [self._readers() for _ in range(documents)]
        of = np.arange(size) // A_DOCUMENT
        vectors = self.meaning.chunks(self.meaning.documents(documents)[of])
        chunks = [UUID(bytes=self.meaning.random.bytes(16)) for _ in range(size)]
        for best in self.best:
            may = np.array([not best.principal.readers.isdisjoint(one) for one in readers])
            best.see(chunks, vectors, may[of])
        copy(cursor, "documents", _DOCUMENTS, self._documents(ids, readers))
        copy(cursor, "revisions", _REVISIONS, self._revisions(ids, np.bincount(of)))
        copy(cursor, "chunks", _CHUNKS, self._rows(ids, chunks, vectors))

    def _readers(self) -> list[str]:
        if self.meaning.random.random() < OPEN:
            return [EVERYONE]
        chosen = self.meaning.random.choice(len(GROUPS), self.meaning.random.integers(1, 4), replace=False)
        return [f"group:{GROUPS[one]}" for one in chosen]

    def _documents(self, ids: Sequence[tuple[UUID, UUID]], readers: list[list[str]]) -> Iterator[tuple[Any, ...]]:
        for (document, revision), its in zip(ids, readers, strict=True):
            yield document, self.tenant, self.collection, str(document), "ready", its, its, revision

    def _revisions(self, ids: Sequence[tuple[UUID, UUID]], chunks: NDArray[np.intp]) -> Iterator[tuple[Any, ...]]:
        for (document, revision), count in zip(ids, chunks.tolist(), strict=True):
            told = "text/plain", "en", "x" * count, count
            yield revision, self.tenant, document, 1, revision.hex * 2, 1, *told

    def _rows(
        self, ids: Sequence[tuple[UUID, UUID]], chunks: Sequence[UUID], vectors: Floats
    ) -> Iterator[tuple[Any, ...]]:
        for number, (chunk, vector) in enumerate(zip(chunks, vectors, strict=True)):
            (document, revision), ordinal = ids[number // A_DOCUMENT], number % A_DOCUMENT
            drawn = np.unique(self.words.ranks(TERMS))
            self._chunks[drawn] += 1
            terms = np.sort(VOCABULARY[drawn])
            weights = self.words.random.uniform(0.1, 1, len(terms)).astype(np.float32)
            its = self.tenant, self.collection, document, revision, ordinal, PASSAGE, ordinal, ordinal + 1, 1, "en", 90
            yield chunk, *its, vector.tobytes(), terms.tobytes(), weights.tobytes()


_DOCUMENTS: Final = {
    "id": "uuid",
    "tenant_id": "uuid",
    "collection_id": "uuid",
    "name": "text",
    "state": "text",
    "readers": "text[]",
    "projected_readers": "text[]",
    "current_revision": "uuid",
}
_REVISIONS: Final = {
    "id": "uuid",
    "tenant_id": "uuid",
    "document_id": "uuid",
    "number": "int4",
    "sha256": "text",
    "bytes": "int8",
    "media_type": "text",
    "language": "text",
    "text": "text",
    "chunk_count": "int4",
}
_CHUNKS: Final = {
    "id": "uuid",
    "tenant_id": "uuid",
    "collection_id": "uuid",
    "document_id": "uuid",
    "revision_id": "uuid",
    "ordinal": "int4",
    "text": "text",
    "start": "int4",
    "end": "int4",
    "line": "int4",
    "language": "text",
    "tokens": "int4",
    "embedding": "bytea",
    "term_ids": "bytea",
    "term_weights": "bytea",
}


def copy(cursor: "psycopg.Cursor[Any]", table: str, columns: dict[str, str], rows: Iterator[tuple[Any, ...]]) -> None:
    """These rows into a table, in binary."""
    listed = ", ".join(f'"{name}"' for name in columns)
    with cursor.copy(f"copy {table} ({listed}) from stdin (format binary)") as writing:
        writing.set_types(list(columns.values()))
        for row in rows:
            writing.write_row(row)
