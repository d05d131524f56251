"""From a stored file to chunks that the index can take in: the job ``knowledge.ingest``.

    stored ─▶ parsing (child process) ─▶ chunking ─▶ encoding in batches ─▶ one transaction ─▶ indexing ─▶ ready

Nothing is written before the last step, and that one is a single transaction guarded by the job's fencing token:
chunks, embeddings, term statistics, outbox rows. So whatever is killed, and whenever, the job begins again and nothing
is there twice or in part. The projector then makes the revision current (``flipping``).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, Protocol
from uuid import UUID, uuid5

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from appliance.drivers.blobs import Blobs
from appliance.drivers.encoder.port import Encoder
from appliance.jobs.job import Ended
from appliance.jobs.run import Run
from appliance.jobs.states import State
from appliance.knowledge import bm25, outbox, statistics
from appliance.knowledge.chunking import Chunk, chunks
from appliance.knowledge.errors import FileNotRead
from appliance.knowledge.language import detect
from appliance.knowledge.parsing.errors import FileRefused
from appliance.knowledge.parsing.limits import Recognition
from appliance.knowledge.parsing.parsed import Parsed, line_at
from appliance.knowledge.reading import Reading
from appliance.knowledge.repository import Documents
from appliance.knowledge.tables import ChunkRow, RevisionRow

_FLOATS: Final = np.dtype("<f4")
_TERMS: Final = np.dtype("<u4")
_ROWS: Final = 200
"""Chunk rows in one statement."""


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
class Wanted:
    """What is to be read, as it stands when the job begins."""

    document: UUID
    collection: UUID
    revision: UUID
    name: str
    sha256: str
    reading: Reading


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
            wanted = self._wanted(session)
            if wanted is not None:
                self._enter(session, "parsing")
        if wanted is None:
            return {"skipped": True}
        parsed = self._parsed(wanted)
        self._enter_now("encoding")  # before the first call of the encoder, which may be loading, or dead
        target = wanted.reading.chunk_tokens or self._tools.chunk_tokens
        found = chunks(parsed.text, parsed.blocks, self._tools.encoder.tokens, target)
        title = parsed.title or PurePosixPath(wanted.name).stem
        vectors = self._encoded([chunk.indexed(title) for chunk in found])
        self._write(wanted, parsed, title, found, vectors)
        return {"chunks": len(found), "pages": len(parsed.pages) or None, "warnings": list(parsed.warnings)}

    def _wanted(self, session: Session) -> Wanted | None:
        """What to do; None when it is done, replaced by a newer revision, or to be deleted."""
        documents = Documents(session, self._run.tenant)
        row, newest = documents.lock(self._document), documents.newest(self._document)
        if row is None or newest is None or row.state == "deleting":
            return None
        if newest.id != self._revision or newest.chunk_count is not None:
            return None
        return Wanted(row.id, row.collection_id, newest.id, row.name, newest.sha256, Reading.of(newest.reading))

    def _enter(self, session: Session, state: str) -> None:
        Documents(session, self._run.tenant).set(self._document, state=state, reason_code=None, reason=None)

    def _enter_now(self, state: str) -> None:
        with self._run.transaction() as session:
            if self._wanted(session) is not None:
                self._enter(session, state)

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

    def _write(
        self, wanted: Wanted, parsed: Parsed, title: str, found: list[Chunk], vectors: NDArray[np.float32]
    ) -> None:
        language = detect(parsed.text)
        weights = [bm25.document(bm25.counted(chunk.counted(title))) for chunk in found]
        rows = list(self._rows(wanted, parsed, language, found))
        for row, vector, weight in zip(rows, vectors, weights, strict=True):
            row["embedding"] = vector.astype(_FLOATS).tobytes()
            row["term_ids"] = weight.ids.astype(_TERMS).tobytes()
            row["term_weights"] = weight.values.astype(_FLOATS).tobytes()
        with self._run.transaction() as session:
            if self._wanted(session) is None:
                return
            statistics.add(session, self._run.tenant, [weight.ids for weight in weights])
            for start in range(0, len(rows), _ROWS):
                session.execute(insert(ChunkRow), rows[start : start + _ROWS])
            session.execute(
                update(RevisionRow)
                .where(RevisionRow.id == wanted.revision)
                .values(
                    media_type=parsed.media_type,
                    title=title,
                    language=language,
                    pages=len(parsed.pages) or None,
                    text=parsed.text,
                    chunk_count=len(rows),
                    encoder=self._tools.encoder.name,
                )
            )
            self._enter(session, "indexing")
            where = (self._run.tenant, wanted.document, wanted.revision)
            upserts = [outbox.Change("upsert", *where, row["id"]) for row in rows]
            outbox.append(session, [*upserts, outbox.Change("flip", *where)])

    def _rows(self, wanted: Wanted, parsed: Parsed, language: str, found: list[Chunk]) -> Iterator[dict[str, Any]]:
        line, counted = 1, 0
        for chunk in found:
            line += line_at(parsed.text[counted : chunk.start], chunk.start - counted) - 1
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
                "language": language if own == "und" else own,
                "tokens": chunk.tokens,
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
