"""The model versions of this appliance, and whether their files are still the ones that were installed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.catalog import manifest, repository
from appliance.catalog.errors import ModelNotFound
from appliance.catalog.tables import ModelVersionRow
from appliance.catalog.verify import verified
from appliance.kit import clock, paging


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """An immutable set of weight files. ``state`` is verified, tampered or missing, with the reason."""

    id: UUID
    name: str
    kind: str
    digest: str
    directory: Path
    bytes: int
    languages: frozenset[str]
    licence: str
    state: str
    reason: str | None
    created_at: datetime
    verified_at: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of reading every byte: a state, and the reason unless it is ``verified``."""

    state: str
    reason: str | None = None


def inspect(version: ModelVersion) -> Finding:
    """Read every byte of a version's files. Takes a second for each gigabyte or so: hold no transaction meanwhile."""
    try:
        found = verified(version.directory).manifest
    except manifest.BadManifest as error:
        return Finding("tampered" if version.directory.is_dir() else "missing", error.detail)
    if found.digest != version.digest:
        return Finding("tampered", f"{version.name}: the directory holds another version, {found.digest[:12]}.")
    return Finding("verified")


class Catalog:
    """Works in the caller's transaction: an operator's to register, the system's to verify, anyone's to look."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def register(self, directory: Path) -> ModelVersion:
        """The version that lies in ``directory``: every byte is read when it is new, and not again when it is known.

        Raises ``Tampered`` or ``BadManifest``; nothing is registered then.
        """
        found = manifest.read(directory)
        row = repository.known(self._session, found.name, found.digest)
        if row is None:
            found = verified(directory).manifest
            row = ModelVersionRow(
                name=found.name,
                kind=found.kind,
                digest=found.digest,
                directory=str(directory),
                bytes=found.size,
                languages=list(found.languages),
                licence=found.licence,
                manifest={"source": found.source, "files": {file.path: file.sha256 for file in found.files}},
                verified_at=clock.now(),
            )
            self._session.add(row)
        elif row.directory != str(directory):
            row.directory = str(directory)  # the model store was moved
        self._session.flush()
        return _version(row)

    def list(self, cursor: str | None, limit: int) -> paging.Page[ModelVersion]:
        """A page of versions, oldest first."""
        rows = repository.some(self._session, paging.decode(cursor), limit + 1)
        return paging.page([_version(row) for row in rows], limit, [row.id for row in rows])

    def one(self, version: UUID) -> ModelVersion:
        """Raises :class:`ModelNotFound`."""
        return _version(self._row(version))

    def those(self, versions: Sequence[UUID]) -> dict[UUID, ModelVersion]:
        """Several by id; what there is not is left out."""
        return {row.id: _version(row) for row in repository.those(self._session, versions)}

    def record(self, version: UUID, finding: Finding) -> ModelVersion:
        """Write down what :func:`inspect` found: a tampered or missing version is never started."""
        row = self._row(version)
        row.state, row.reason, row.verified_at = finding.state, finding.reason, clock.now()
        self._session.flush()
        return _version(row)

    def _row(self, version: UUID) -> ModelVersionRow:
        row = repository.one(self._session, version)
        if row is None:
            raise ModelNotFound(f"there is no model version {version}")
        return row


def _version(row: ModelVersionRow) -> ModelVersion:
    return ModelVersion(
        id=row.id,
        name=row.name,
        kind=row.kind,
        digest=row.digest,
        directory=Path(row.directory),
        bytes=row.bytes,
        languages=frozenset(row.languages),
        licence=row.licence,
        state=row.state,
        reason=row.reason,
        created_at=row.created_at,
        verified_at=row.verified_at,
    )
