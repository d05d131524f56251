"""Adapters of one tenant: LoRA weights for exactly one base version, never changed once they are here."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import TenantId
from appliance.audit.service import Audit
from appliance.catalog import confined, entry, lora, manifest, repository
from appliance.catalog.errors import AdapterNotFound, NotABase
from appliance.catalog.service import Catalog, Finding, ModelVersion
from appliance.catalog.shelf import Shelf, Staged, Upload
from appliance.catalog.tables import AdapterRow
from appliance.kit import clock, paging
from appliance.kit.database import Database
from appliance.kit.ids import uuid7
from appliance.licensing.entitlement import Entitlement
from appliance.licensing.points import Point


@dataclass(frozen=True, slots=True)
class Adapter:
    """One version of an adapter. ``base``: the model version's id; ``state`` is verified, tampered or missing."""

    id: UUID
    tenant: UUID
    name: str
    version: int
    base: UUID
    digest: str
    directory: Path
    bytes: int
    rank: int
    modules: tuple[str, ...]
    state: str
    reason: str | None
    created_by: UUID | None
    created_at: datetime
    verified_at: datetime

    @property
    def usable(self) -> bool:
        """Whether its files were as imported when they were last read."""
        return self.state == "verified"

    @property
    def engine_name(self) -> str:
        """What engines call it: tenant, id and digest, so that no name is ever given to other weights."""
        return f"{self.tenant.hex[-12:]}.{self.id.hex}.{self.digest[:12]}"


def own(names: Sequence[str], tenant: UUID) -> tuple[str, ...]:
    """Of engines' names those of this tenant's adapters."""
    return tuple(name for name in names if name.startswith(f"{tenant.hex[-12:]}."))


def known(shelf: Shelf) -> Callable[[Session, Collection[UUID]], Mapping[UUID, Adapter]]:
    """A look-up of adapters by id, for a session that may see them; what there is not is left out."""

    def find(session: Session, wanted: Collection[UUID]) -> Mapping[UUID, Adapter]:
        rows = repository.adapters_of(session, wanted) if wanted else ()
        return {row.id: _adapter(row, shelf) for row in rows}

    return find


def inspect(adapter: Adapter) -> Finding:
    """Read every byte of an adapter's files, for whoever is about to load them."""
    if not adapter.directory.is_dir():
        return Finding("missing", f"{adapter.name}: its files are gone")
    try:
        found = manifest.digest_of(manifest.survey(adapter.directory))
    except manifest.BadManifest as error:
        return Finding("tampered", f"{adapter.name}: {error.detail}")
    if found != adapter.digest:
        return Finding("tampered", f"{adapter.name}: its files are not the ones that were imported")
    return Finding("verified")


def record(session: Session, adapter: UUID, finding: Finding) -> None:
    """Write down what :func:`inspect` found, as system or as the tenant."""
    repository.record_adapter(session, adapter, state=finding.state, reason=finding.reason, verified_at=clock.now())


def counting(system: Database) -> Callable[[], int]:
    """How many adapters all tenants have, asked in a transaction of its own."""

    def count() -> int:
        with system.session() as session:
            return repository.count_adapters(session)

    return count


def forget(session: Session, shelf: Shelf, tenant: UUID) -> int:
    """Remove all adapters of a tenant, files and rows, as system; how many there were."""
    shelf.clear(tenant)
    return repository.forget_adapters(session, tenant)


def sweep(session: Session, shelf: Shelf) -> int:
    """Take away files that no row names any more, as system: their adapter was deleted, or its import never ended."""
    return shelf.sweep(lambda: repository.all_adapters(session))


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the licence allows, and how many adapters there are of all tenants."""

    entitlement: Entitlement
    count: Callable[[], int]


class Adapters:
    """Works in the caller's transaction, of the app login for one tenant or of the operator's."""

    def __init__(self, session: Session, tenant: TenantId, shelf: Shelf) -> None:
        self._session = session
        self._tenant = tenant
        self._shelf = shelf

    def add(self, name: str, base: UUID, upload: Upload, allowance: Allowance, audit: Audit) -> Adapter:
        """Check an adapter against its base and keep it as the next version of its name.

        The very bytes of the newest version, for the same base, give that version again. Raises ``BadAdapter``,
        :class:`NotABase`, ``ModelNotFound``, ``NotLicensed``, ``LimitReached``, ``BlobTooLarge``; nothing is kept then.
        """
        version = self._base(base)
        repository.one_at_a_time(self._session)
        allowance.entitlement.require(Point.ADDING_ADAPTER, used=allowance.count())
        with self._shelf.staged(upload) as staged:
            found = confined.adapter(staged.directory, version.directory, _names(version), lora.LARGEST_RANK)
            newest = repository.newest_adapter(self._session, self._tenant, name)
            if newest is not None and (newest.digest, newest.base_id) == (staged.digest, base):
                return _adapter(newest, self._shelf)
            row = self._row(name, newest.version + 1 if newest else 1, version, staged, found)
            row.created_by = audit.actor
            self._session.add(row)
            self._session.flush()
            self._shelf.keep(staged, self._tenant, row.id)
        audit.record("adapter.add", row.id, after=row.digest, name=name, version=row.version, base=version.digest)
        return _adapter(row, self._shelf)

    def list(self, cursor: str | None, limit: int, name: str | None = None) -> paging.Page[Adapter]:
        """A page of adapters, oldest first, or of the versions of a name."""
        rows = repository.some_adapters(self._session, self._tenant, paging.decode(cursor), limit + 1, name)
        return paging.page([_adapter(row, self._shelf) for row in rows], limit, [row.id for row in rows])

    def one(self, adapter: UUID) -> Adapter:
        """Raises :class:`AdapterNotFound`."""
        return _adapter(self._found(adapter), self._shelf)

    def delete(self, adapter: UUID, audit: Audit) -> None:
        """Remove the row; the sweep takes the files away once no engine can be about to load them."""
        row = self._found(adapter)
        audit.record("adapter.delete", row.id, name=row.name, version=row.version, before=row.digest)
        self._session.delete(row)
        self._session.flush()

    def _found(self, adapter: UUID) -> AdapterRow:
        row = repository.adapter(self._session, self._tenant, adapter)
        if row is None:
            raise AdapterNotFound
        return row

    def _base(self, base: UUID) -> ModelVersion:
        version = Catalog(self._session).one(base)
        if version.kind != "language" or version.state != "verified":
            raise NotABase(f"{version.name} is a {version.kind} model and {version.state}")
        return version

    def _row(self, name: str, number: int, base: ModelVersion, staged: Staged, found: lora.Lora) -> AdapterRow:
        return AdapterRow(
            id=uuid7(),
            tenant_id=self._tenant,
            name=name,
            version=number,
            base_id=base.id,
            digest=staged.digest,
            bytes=staged.size,
            rank=found.rank,
            modules=list(found.modules),
            manifest={"files": {file.path: file.sha256 for file in staged.files}, "alpha": found.alpha},
            verified_at=clock.now(),
        )


def _names(version: ModelVersion) -> tuple[str, ...]:
    """What an adapter may call its base: the version's name, its directory's, its sources' in the catalogue."""
    about = entry.load().get(version.name)
    sources = tuple(source.at for source in about.sources if source.kind == "hub") if about else ()
    return (version.name, version.directory.name, *sources)


def _adapter(row: AdapterRow, shelf: Shelf) -> Adapter:
    return Adapter(
        id=row.id,
        tenant=row.tenant_id,
        name=row.name,
        version=row.version,
        base=row.base_id,
        digest=row.digest,
        directory=shelf.place(row.tenant_id, row.id),
        bytes=row.bytes,
        rank=row.rank,
        modules=tuple(row.modules),
        state=row.state,
        reason=row.reason,
        created_by=row.created_by,
        created_at=row.created_at,
        verified_at=row.verified_at,
    )
