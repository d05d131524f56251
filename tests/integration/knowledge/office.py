"""A whole knowledge slice in one process: real database, files and parser; the doubles of encoder and index."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from sqlalchemy import select, text

from appliance.access.principal import Principal, Role, TenantId, UserId
from appliance.access.web import Databases
from appliance.drivers.blobs import DirectoryBlobs
from appliance.drivers.broker import MemoryBell
from appliance.drivers.encoder.hashed import HashedEncoder
from appliance.drivers.encoder.port import Encoder
from appliance.drivers.sources.port import Entry
from appliance.drivers.vectors.memory import MemoryVectors
from appliance.drivers.vectors.port import Vectors
from appliance.jobs.job import Job
from appliance.jobs.registry import Registry
from appliance.jobs.runner import Runner
from appliance.jobs.service import Jobs
from appliance.kit.ids import uuid7
from appliance.kit.settings import JobSettings
from appliance.knowledge import tasks
from appliance.knowledge.access import Index
from appliance.knowledge.documents import Added, Document
from appliance.knowledge.forgetting import Forgetter
from appliance.knowledge.importing import Shelf
from appliance.knowledge.ingest import Parser, Tools
from appliance.knowledge.projection import Projection
from appliance.knowledge.retrieval import Found, Retrieval
from appliance.knowledge.service import Knowledge
from appliance.knowledge.sources.pushing import Pushing
from appliance.knowledge.sources.tables import SourceRow
from appliance.knowledge.tables import ChunkRow
from appliance.knowledge.wish import Wish
from appliance.tenants.certificate import Signer

DIMENSIONS = 64
SIGNER = Signer("an office's")


def member(tenant: UUID, *groups: UUID) -> Principal:
    """Somebody in this tenant."""
    return Principal(TenantId(tenant), UserId(uuid7()), Role.MEMBER, "member", groups=frozenset(groups))


@dataclass
class Equipment:
    """As ``connect.Workshop``, with doubles."""

    tools: Tools
    signer: Signer = SIGNER
    shelf: Shelf | None = None

    @property
    def blobs(self) -> DirectoryBlobs:
        assert isinstance(self.tools.blobs, DirectoryBlobs)
        return self.tools.blobs

    @property
    def archives(self) -> Shelf:
        assert self.shelf is not None
        return self.shelf


@dataclass
class Office:
    """One tenant's member at work; several offices share stores."""

    databases: Databases
    root: Path
    parser: Parser
    vectors: Vectors = field(default_factory=lambda: MemoryVectors(DIMENSIONS))
    encoder: Encoder = field(default_factory=lambda: HashedEncoder(DIMENSIONS))
    forgetters: Sequence[Forgetter] = ()
    largest: int = 10_000_000
    position: int = 0

    def __post_init__(self) -> None:
        self.me = self.join(uuid7())
        self.blobs = DirectoryBlobs(self.root)
        self.shelf = Shelf(self.root.with_name("exports"), 50_000_000, self.largest)
        self.tools = Tools(self.blobs, self.parser, self.encoder, chunk_tokens=40, encode_batch=4)
        self.registry = Registry()
        tasks.register(self.registry, self.equipment, self.forgetters)
        self.runner = Runner(
            self.databases.system, self.databases.app, self.registry, MemoryBell(), JobSettings(attempts=2), "test"
        )
        self.projection = Projection(self.databases.system, self.vectors)
        self.retrieval = Retrieval(self.databases.app, Index(self.vectors), self.encoder)
        self.collection = self.create("handbook")

    def equipment(self) -> Equipment:
        return Equipment(self.tools, shelf=self.shelf)

    def join(self, tenant: UUID) -> Principal:
        """A member of a new tenant."""
        with self.databases.operator.session() as session:
            session.execute(
                text("insert into tenants (id, name) values (:id, :name)"), {"id": tenant, "name": str(tenant)}
            )
        return member(tenant)

    def create(self, name: str) -> UUID:
        with self.databases.app.session(self.me.tenant) as session:
            return Knowledge(session, self.me).create(name).id

    def add(self, name: str, content: bytes, collection: UUID | None = None, by: Principal | None = None) -> Added:
        staged = self.blobs.stage(self.me.tenant, io.BytesIO(content), self.largest)
        try:
            with self.databases.app.session(self.me.tenant) as session:
                who = by or self.me
                return Knowledge(session, who).add(collection or self.collection, name, staged, self.blobs)
        finally:
            self.blobs.drop(staged)

    def work(self) -> int:
        """Run every job that may begin; how many."""
        done = 0
        while self.runner.run_next() is not None:
            done += 1
        return done

    def project(self) -> None:
        """Bring the index up to the outbox."""
        while (step := self.projection.apply(self.position, flips=True)).seq != self.position:
            self.position = step.seq

    def settle(self) -> None:
        """Until nothing is left to do."""
        self.work()
        self.project()

    def ready(self, name: str, content: bytes | str, collection: UUID | None = None) -> Document:
        """Add a file and wait for it."""
        added = self.add(name, content.encode() if isinstance(content, str) else content, collection)
        self.settle()
        found = self.document(added.document.id)
        assert found.state == "ready", found.reason
        return found

    def source(self, name: str) -> UUID:
        """A source that programs push to."""
        with self.databases.app.session(self.me.tenant) as session:
            told = {"name": name, "kind": "push", "settings": {"kind": "push"}, "created_by": self.me.user}
            row = SourceRow(tenant_id=self.me.tenant, collection_id=self.collection, **told)
            session.add(row)
            session.flush()
            return row.id

    def pushed(self, source: UUID, name: str, content: str) -> Document:
        """A document that came from a source, and is ready."""
        staged = self.blobs.stage(self.me.tenant, io.BytesIO(content.encode()), self.largest)
        with self.databases.app.session(self.me.tenant) as session:
            entry = Entry(name, name, "")
            document = Pushing(session, self.me).put(source, entry, staged, self.blobs, None).document
        self.settle()
        return self.document(document)

    def document(self, document: UUID) -> Document:
        with self.databases.app.session(self.me.tenant) as session:
            return Knowledge(session, self.me).document(document)

    def text(self, document: UUID) -> str:
        """The normal text that is served."""
        with self.databases.app.session(self.me.tenant) as session:
            return Knowledge(session, self.me).text(document).text

    def forget(self, document: UUID) -> UUID:
        return self.forget_as(self.me, document)

    def forget_as(self, who: Principal, document: UUID) -> UUID:
        with self.databases.app.session(self.me.tenant) as session:
            return Knowledge(session, who).forget(document)

    def retry(self, document: UUID) -> Added:
        with self.databases.app.session(self.me.tenant) as session:
            return Knowledge(session, self.me).retry(document)

    def job(self, job: UUID | None) -> Job:
        assert job is not None
        with self.databases.app.session(self.me.tenant) as session:
            return Jobs(session, self.me.tenant).one(job)

    def find(self, question: str, limit: int = 10, collections: Sequence[str] | None = None) -> Found:
        return self.retrieval.find(self.me, question, Wish(limit, collections))

    def search(self, question: str, wish: Wish) -> Found:
        """As somebody who reads the passages."""
        return self.retrieval.search(self.me, question, wish)

    def names(self, question: str, limit: int = 10, collections: Sequence[str] | None = None) -> list[str]:
        """The documents that are found, best first, each once."""
        return list(dict.fromkeys(passage.name for passage in self.find(question, limit, collections).passages))

    def chunks(self) -> set[UUID]:
        """All chunks of the tenant."""
        with self.databases.app.session(self.me.tenant) as session:
            return set(session.execute(select(ChunkRow.id)).scalars())

    def points(self) -> set[UUID]:
        """All points of the tenant."""
        return set(self.vectors.ids(self.me.tenant, None, 100_000))

    def statistics(self) -> tuple[int, dict[int, int]]:
        """The tenant's term statistics."""
        with self.databases.app.session(self.me.tenant) as session:
            total = session.execute(text("select chunks from corpus_statistics")).scalar_one_or_none() or 0
            rows = session.execute(text("select term, chunks from term_statistics"))
            return total, {row.term: row.chunks for row in rows}

    def files(self) -> set[str]:
        """The digests of all files that are kept."""
        return {path.name for path in self.root.rglob("*") if path.is_file()}
