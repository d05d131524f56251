"""From a stored file to chunks that the index can take in: the job ``knowledge.ingest``.

    stored ─▶ parsing (child process) ─▶ chunking ─▶ encoding in batches ─▶ one transaction ─▶ indexing ─▶ ready

Nothing is written before the last step, and that one is a single transaction guarded by the job's fencing token:
chunks, embeddings, term statistics, outbox rows. So whatever is killed, and whenever, the job begins again and nothing
is there twice or in part. The projector then makes the revision current (``flipping``).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, Protocol, cast
from uuid import UUID, uuid5

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Table, insert, update
from sqlalchemy.orm import Session

from appliance.drivers.blobs import Blobs
from appliance.drivers.encoder.port import Encoder
from appliance.jobs.job import Ended
from appliance.jobs.run import Run
from appliance.jobs.states import State
from appliance.knowledge import advancing, bm25, boxes, confidence, outbox, statistics
from appliance.knowledge.advancing import Wanted
from appliance.knowledge.chunking import Chunk, chunks
from appliance.knowledge.errors import FileNotRead
from appliance.knowledge.language import detect
from appliance.knowledge.parsing.errors import FileRefused
from appliance.knowledge.parsing.limits import Recognition
from appliance.knowledge.parsing.parsed import Parsed, line_at
from appliance.knowledge.repository import Documents
from appliance.knowledge.tables import ChunkRow, RevisionRow

_FLOATS: Final = np.dtype("<f4")
_TERMS: Final = np.dtype("<u4")
_CHUNKS: Final = cast("Table", ChunkRow.__table__)
_ROWS: Final = 200
"""Chunk rows in one statement."""

Row = dict[str, Any]
Terms = NDArray[np.uint32]


class Parser(Protocol):
    """Reads a file into its normal text."""

    def parse(self, path: Path, name: str, recognition: Recognition = "auto") -> Parsed:
        """Raises FileRefused with the reason."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What an ingest works with."""

    blobs: Blobs
    parser: Parser
    encoder: Encoder
    chunk_tokens: int = 200
    encode_batch: int = 64


@dataclass(frozen=True, slots=True)
class Read:
    """A file that was read and cut."""

    parsed: Parsed
    title: str
    language: str
    chunks: list[Chunk]

    @property
    def result(self) -> Mapping[str, Any]:
        """What the job tells."""
        parsed = self.parsed
        return {"chunks": len(self.chunks), "pages": len(parsed.pages) or None, "warnings": list(parsed.warnings)}


class Ingest:
    """One attempt; harmless to repeat from the start at any time."""

    def __init__(self, run: Run, tools: Tools) -> None:
        self._run = run
        self._tools = tools
        self._document = UUID(str(run.args["document"]))
        self._revision = UUID(str(run.args["revision"]))

    def __call__(self) -> Mapping[str, Any]:
        """Do it. Raises FileNotRead, EncoderNotReady (then the job is put off)."""
        with self._run.transaction() as session:
            wanted = advancing.wanted(session, self._document, self._revision)
            if wanted is not None:
                advancing.enter(session, self._document, "parsing")
        if wanted is None:
            return {"skipped": True}
        parsed = self._parsed(wanted)
        with self._run.transaction() as session:  # before the first call of the encoder, which may be loading, or dead
            advancing.go_on(session, wanted, "parsing", "encoding")
        target = wanted.reading.chunk_tokens or self._tools.chunk_tokens
        found = chunks(parsed.text, parsed.blocks, self._tools.encoder.tokens, target)
        read = Read(parsed, parsed.title or PurePosixPath(wanted.name).stem, detect(parsed.text), found)
        vectors = self._encoded([chunk.indexed(read.title) for chunk in found])
        rows, terms = self._prepared(wanted, read, vectors)
        with self._run.last(read.result) as session:
            if advancing.wanted(session, self._document, self._revision) is not None:
                self._write(session, wanted, read, rows, terms)
        return read.result

    def _parsed(self, wanted: Wanted) -> Parsed:
        with self._tools.blobs.local(self._run.tenant, wanted.sha256) as path:
            try:
                return self._tools.parser.parse(path, wanted.name, wanted.reading.recognition)
            except FileRefused as refusal:
                raise FileNotRead(refusal) from refusal

    def _encoded(self, texts: list[str]) -> NDArray[np.float32]:
        """In batches; a file of one batch is done before anybody could read how far it is."""
        tools, total = self._tools, len(texts)
        if total <= tools.encode_batch:
            return tools.encoder.encode(texts)
        vectors: NDArray[np.float32] = np.zeros((total, tools.encoder.dimensions), np.float32)
        for start in range(0, total, tools.encode_batch):
            self._run.progress(start, total, "encoding")
            end = start + tools.encode_batch
            vectors[start:end] = tools.encoder.encode(texts[start:end])
        return vectors

    def _prepared(self, wanted: Wanted, read: Read, vectors: NDArray[np.float32]) -> tuple[list[Row], list[Terms]]:
        """The rows of the chunks, and the terms of each."""
        weights = [bm25.document(bm25.counted(chunk.counted(read.title))) for chunk in read.chunks]
        rows = list(self._rows(wanted, read))
        for row, vector, weight in zip(rows, vectors, weights, strict=True):
            row["embedding"] = vector.astype(_FLOATS).tobytes()
            row["term_ids"] = weight.ids.astype(_TERMS).tobytes()
            row["term_weights"] = weight.values.astype(_FLOATS).tobytes()
        return rows, [weight.ids for weight in weights]

    def _write(self, session: Session, wanted: Wanted, read: Read, rows: list[Row], terms: list[Terms]) -> None:
        """All of it; what others wait for, the tenant's statistics and the outbox, shortly before the commit."""
        lines = read.parsed.recognised
        for start in range(0, len(rows), _ROWS):
            session.connection().execute(insert(_CHUNKS), rows[start : start + _ROWS])
        session.execute(
            update(RevisionRow)
            .where(RevisionRow.id == wanted.revision)
            .values(
                media_type=read.parsed.media_type,
                title=read.title,
                language=read.language,
                pages=len(read.parsed.pages) or None,
                text=read.parsed.text,
                chunk_count=len(rows),
                encoder=self._tools.encoder.name,
                recognised=confidence.stored(lines),
                recognised_lines=len(lines) or None,
                doubtful_lines=confidence.doubtful(lines) if lines else None,
            )
        )
        advancing.enter(session, wanted.document, "indexing")
        statistics.add(session, self._run.tenant, terms)
        where = (self._run.tenant, wanted.document, wanted.revision)
        upserts = [outbox.Change("upsert", *where, row["id"]) for row in rows]
        outbox.append(session, [*upserts, outbox.Change("flip", *where)])

    def _rows(self, wanted: Wanted, read: Read) -> Iterator[Row]:
        line, counted, text = 1, 0, read.parsed.text
        recognised, placed = confidence.Ordered(read.parsed.recognised), confidence.Ordered(read.parsed.placed)
        for chunk in read.chunks:
            line += line_at(text[counted : chunk.start], chunk.start - counted) - 1
            counted = chunk.start
            own = detect(chunk.text)
            yield {
                "id": uuid5(wanted.revision, str(chunk.ordinal)),
                "tenant_id": self._run.tenant,
                "collection_id": wanted.collection,
                "document_id": wanted.document,
                "revision_id": wanted.revision,
                "ordinal": chunk.ordinal,
                "text": chunk.text,
                "start": chunk.start,
                "end": chunk.end,
                "page": chunk.page,
                "line": line,
                "headings": list(chunk.headings),
                "lead": chunk.lead,
                "language": read.language if own == "und" else own,
                "tokens": chunk.tokens,
                "recognised": confidence.stored(recognised.within(chunk.start, chunk.end)),
                "placed": boxes.stored(placed.within(chunk.start, chunk.end)),
            }


def ended(session: Session, job: Ended) -> None:
    """Told in the transaction that ends the job: a document whose reading failed says so, with the reason."""
    if job.state is State.SUCCEEDED:
        return
    documents = Documents(session, job.tenant)
    row = documents.lock(UUID(str(job.args["document"])))
    newest = documents.newest(UUID(str(job.args["document"])))
    revision = UUID(str(job.args["revision"]))
    if row is None or newest is None or newest.id != revision or row.state not in ("queued", "parsing", "encoding"):
        return
    code, reason = (job.reason.code, job.reason.detail) if job.reason else ("cancelled", "Reading was cancelled.")
    documents.set(row.id, state="failed", reason_code=code, reason=reason)
