"""The sources of one tenant: made, shown, changed, removed, synced. Writes rows, asks for jobs; never commits."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import Principal
from appliance.access.readers import Readers
from appliance.audit.service import Audit
from appliance.jobs.service import Jobs
from appliance.kit import clock, paging
from appliance.kit.canonical import digest_of
from appliance.kit.crypto import Seal
from appliance.knowledge.repository import Collections
from appliance.knowledge.service import checked_name
from appliance.knowledge.sources import repository
from appliance.knowledge.sources.connectors import Opening, Whose
from appliance.knowledge.sources.errors import KindFixed, NothingToSync, SourceExists, SourceNotFound, SourcePaused
from appliance.knowledge.sources.settings import AnySettings, stored
from appliance.knowledge.sources.tables import SourceLogRow, SourceRow
from appliance.tenants import etags, viewing
from appliance.tenants.service import Tenants

SYNC = "source.sync"
REMOVE = "source.remove"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a source is to be. ``secret`` None: the one that is there; ``readers`` None: the collection's."""

    name: str
    settings: AnySettings
    secret: str | None
    readers: Readers | None
    every_minutes: int | None
    paused: bool


@dataclass(frozen=True, slots=True)
class Source:
    """A source as it stands. ``reason``: why its last sync failed."""

    id: UUID
    collection: UUID
    name: str
    state: str
    settings: AnySettings
    has_secret: bool
    readers: Readers | None
    every_minutes: int | None
    version: int
    created_at: datetime
    changed_at: datetime
    due_at: datetime | None
    synced_at: datetime | None
    reason_code: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one thing; ``name`` None: it was forgotten."""

    id: UUID
    at: datetime
    name: str | None
    act: str
    document: UUID | None
    job: UUID | None
    dry: bool
    reason_code: str | None
    reason: str | None


class Sources:
    """Those of the principal's tenant. ``allowed`` raises where the operator's settings do not let it be reached."""

    def __init__(self, session: Session, principal: Principal, seal: Seal, allowed: Callable[[Opening], None]) -> None:
        self._session = session
        self._principal = principal
        self._tenant = principal.tenant
        self._seal = seal
        self._allowed = allowed
        self._audit = Audit(session, principal.tenant, principal.user)
        self._jobs = Jobs(session, principal.tenant)

    def create(self, collection: UUID, wanted: Wanted) -> Source:
        """Raises BadName, CollectionNotFound, SourceExists, and what ``allowed`` does."""
        Collections(self._session, self._tenant).one(collection)
        self._known(wanted.readers)
        name = checked_name(wanted.name)
        if repository.named(self._session, name):
            raise SourceExists.about(name)
        row = SourceRow(
            tenant_id=self._tenant,
            collection_id=collection,
            name=name,
            kind=wanted.settings.kind,
            created_by=self._principal.user,
        )
        self._apply(row, wanted)
        self._session.add(row)
        self._session.flush()
        if wanted.secret is not None:
            row.secret = sealed(self._seal, row, wanted.secret)
            self._session.flush()
        self._session.refresh(row)
        self._audit.record("source.create", row.id, after=digest_of(row.settings), kind=row.kind, collection=collection)
        return _source(row)

    def show(self, source: UUID) -> Source:
        """Raises SourceNotFound, SourceUnreadable."""
        return _source(self._one(source))

    def list(
        self, cursor: str | None, limit: int, collection: UUID | None = None, name: str | None = None
    ) -> paging.Page[Source]:
        """A page of them, in the order in which they were made."""
        found = repository.page(self._session, paging.decode(cursor), limit + 1, collection, name)
        return paging.page([_source(row) for row in found], limit, [row.id for row in found])

    def change(self, source: UUID, if_match: str | None, wanted: Wanted) -> Source:
        """Replace its settings. Raises SourceNotFound, SourceExists, KindFixed, and as ``create`` and :mod:`etags`."""
        row = self._one(source, lock=True)
        self._known(wanted.readers)
        etags.check(row.version, if_match)
        if row.state == "removing":
            raise SourcePaused
        if row.kind != wanted.settings.kind:
            raise KindFixed
        name = checked_name(wanted.name)
        if name != row.name and repository.named(self._session, name):
            raise SourceExists.about(name)
        before = digest_of(row.settings)
        row.name, row.version, row.changed_at = name, row.version + 1, clock.now()
        self._apply(row, wanted)
        if wanted.secret is not None:
            row.secret = sealed(self._seal, row, wanted.secret)
        self._session.flush()
        self._audit.record(
            "source.change", row.id, before=before, after=digest_of(row.settings), secret=wanted.secret is not None
        )
        return _source(row)

    def remove(self, source: UUID, *, keep: bool) -> UUID:
        """Forget it, and unless ``keep`` the documents that came from it: a job. What a legal hold keeps stays."""
        row = self._one(source, lock=True)
        row.state, row.due_at = "removing", None
        self._audit.record("source.delete", row.id, documents="keep" if keep else "forget")
        return self._jobs.ask(REMOVE, {"source": str(row.id), "keep": keep}, f"remove:{row.id}", outlives=True)

    def sync(self, source: UUID, *, dry: bool) -> UUID:
        """Ask for a sync, or for what one would do; the job's id. Raises NothingToSync, SourcePaused."""
        row = self._one(source)
        if row.kind == "push":
            raise NothingToSync
        if row.state != "active":
            raise SourcePaused
        job = ask(self._jobs, row.id, dry=dry)
        self._audit.record("source.try" if dry else "source.sync", row.id, job=str(job))
        return job

    def log(
        self, source: UUID, cursor: str | None, limit: int, job: UUID | None = None, act: str | None = None
    ) -> paging.Page[Line]:
        """Newest first; of real runs, or of the job that is named. Raises SourceNotFound."""
        self._one(source)
        found = repository.log_page(self._session, source, paging.decode(cursor), limit + 1, job, act)
        return paging.page([_line(row) for row in found], limit, [row.id for row in found])

    def open(self, source: UUID) -> Opening:
        """With its secret, for who reaches it. Raises SourceNotFound, ``Unsealable``."""
        return opened(self._session, source, self._seal)

    def _known(self, readers: Readers | None) -> None:
        """Raise GroupNotFound or UserNotFound for who is none of this tenant's, whatever else is wrong."""
        if readers is not None:
            viewing.check(self._session, self._tenant, readers)

    def _apply(self, row: SourceRow, wanted: Wanted) -> None:
        self._allowed(Opening(whose(self._session, self._tenant), wanted.settings))
        row.settings = wanted.settings.model_dump(mode="json")
        row.readers = None if wanted.readers is None else wanted.readers.entries
        row.every_minutes = wanted.every_minutes
        row.state = "paused" if wanted.paused else "active"
        row.due_at = clock.now() if wanted.every_minutes and not wanted.paused else None

    def _one(self, source: UUID, *, lock: bool = False) -> SourceRow:
        row = repository.source(self._session, source, lock=lock)
        if row is None:
            raise SourceNotFound.about(source)
        return row


def ask(jobs: Jobs, source: UUID, *, dry: bool = False) -> UUID:
    """Write the job; one of the same source that is open already is given instead of a second."""
    return jobs.ask(SYNC, {"source": str(source), "dry": dry}, f"{'try' if dry else 'sync'}:{source}")


def whose(session: Session, tenant: UUID) -> Whose:
    """The session's tenant, with its name."""
    found = Tenants(session).show(tenant)
    return Whose(found.id, found.name)


def sealed(seal: Seal, row: SourceRow, secret: str) -> bytes:
    """A secret that opens for this source alone."""
    return seal.close(secret.encode(), f"{row.tenant_id} {row.id}")


def opened(session: Session, source: UUID, seal: Seal) -> Opening:
    """A source with its secret in clear. Raises SourceNotFound, SourcePaused, ``Unsealable``."""
    row = repository.source(session, source)
    if row is None:
        raise SourceNotFound.about(source)
    if row.state == "removing":
        raise SourcePaused
    secret = None if row.secret is None else seal.open(row.secret, f"{row.tenant_id} {row.id}").decode()
    return Opening(whose(session, row.tenant_id), stored(row.settings), secret)


def _source(row: SourceRow) -> Source:
    return Source(
        id=row.id,
        collection=row.collection_id,
        name=row.name,
        state=row.state,
        settings=stored(row.settings),
        has_secret=row.secret is not None,
        readers=None if row.readers is None else Readers.of(row.readers),
        every_minutes=row.every_minutes,
        version=row.version,
        created_at=row.created_at,
        changed_at=row.changed_at,
        due_at=row.due_at,
        synced_at=row.synced_at,
        reason_code=row.reason_code,
        reason=row.reason,
    )


def _line(row: SourceLogRow) -> Line:
    return Line(
        id=row.id,
        at=row.created_at,
        name=row.name,
        act=row.act,
        document=row.document_id,
        job=row.job_id,
        dry=row.dry,
        reason_code=row.reason_code,
        reason=row.reason,
    )
