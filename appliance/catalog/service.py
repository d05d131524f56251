"""The model versions of this appliance, and whether their files are still the ones that were installed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.catalog import activation, entry, manifest, repository
from appliance.catalog.activation import Consent
from appliance.catalog.entry import Terms, terms
from appliance.catalog.errors import ModelNotFound, NotActive
from appliance.catalog.tables import ModelVersionRow
from appliance.catalog.verify import verified
from appliance.kit import clock, paging


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """An immutable set of weight files. ``state`` is verified, tampered or missing, with the reason.

    ``signature`` is unsigned, untrusted or verified; ``accepted``: what was accepted at its activation.
    """

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
    entry: str | None = None
    signature: str = "unsigned"
    signed_by: str | None = None
    activated_at: datetime | None = None
    activated_by: UUID | None = None
    accepted: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def terms(self) -> Terms:
        """The terms of its weights' licence, as the catalogue has them now."""
        return terms(self.entry, self.licence)

    @property
    def unserved(self) -> str | None:
        """Why no engine serves it, as the catalogue has it now; None where one does, or nobody has said."""
        found = entry.load().get(self.entry or "")
        return found.served.why if found else None

    @property
    def tool_parser(self) -> str | None:
        """Who reads the calls of tools that it writes, as the catalogue has it now; None where nobody does."""
        found = entry.load().get(self.entry or "")
        return found.served.tools if found else None

    def require_active(self) -> None:
        """Raise :class:`NotActive` unless the weights' licence was accepted: called before any engine loads them."""
        if self.activated_at is None:
            raise NotActive(f"the weights' licence of {self.name} was not accepted")


@dataclass(frozen=True, slots=True)
class Arrival:
    """What an import found out: every byte is as its manifest says; ``signed_by``: the key's SHA-256."""

    manifest: manifest.Manifest
    entry: str | None
    signature: str
    signed_by: str | None


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

    def register(self, directory: Path, arrival: Arrival | None = None) -> ModelVersion:
        """The version that lies in ``directory``: every byte is read when it is new, and not again when it is known.

        With an ``arrival`` the bytes were read just before.

        Raises ``Tampered`` or ``BadManifest``; nothing is registered then.
        """
        found = arrival.manifest if arrival else manifest.read(directory)
        row = repository.known(self._session, found.name, found.digest)
        if row is None:
            found = found if arrival else verified(directory).manifest
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
                entry=found.name if found.name in entry.load() else None,
            )
            self._session.add(row)
        elif row.directory != str(directory):
            row.directory = str(directory)  # the model store was moved
        if arrival is not None:
            row.entry, row.signature, row.signed_by = arrival.entry, arrival.signature, arrival.signed_by
        self._session.flush()
        return _version(row)

    def list(self, cursor: str | None, limit: int, **equal: str | None) -> paging.Page[ModelVersion]:
        """A page of versions, oldest first, or of those with a ``name``, ``kind`` or ``state``."""
        rows = repository.some(self._session, paging.decode(cursor), limit + 1, equal)
        return paging.page([_version(row) for row in rows], limit, [row.id for row in rows])

    def one(self, version: UUID) -> ModelVersion:
        """Raises :class:`ModelNotFound`."""
        return _version(self._row(version))

    def those(self, versions: Sequence[UUID]) -> dict[UUID, ModelVersion]:
        """Several by id; what there is not is left out."""
        return {row.id: _version(row) for row in repository.those(self._session, versions)}

    def activate(self, version: UUID, consent: Consent) -> ModelVersion:
        """Let engines load a version, by who accepts its weights' licence. Harmless to repeat: the first one stands.

        Raises ``LicenceNotAccepted``, ``TermsInDoubt``.
        """
        row = self._row(version)
        if row.activated_at is None:
            row.accepted = activation.accepted(_version(row).terms, consent)
            row.activated_at, row.activated_by = clock.now(), consent.by
            self._session.flush()
        return _version(row)

    def activate_harmless(self, version: UUID) -> ModelVersion:
        """Activate what came with the appliance, if its licence is known and asks for nothing but attribution."""
        row = self._row(version)
        if activation.harmless(_version(row).terms):
            return self.activate(version, Consent(by=None, accepts=True))
        return _version(row)

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
        entry=row.entry,
        signature=row.signature,
        signed_by=row.signed_by,
        activated_at=row.activated_at,
        activated_by=row.activated_by,
        accepted=row.accepted or {},
        source=str(row.manifest.get("source", "")),
        files=row.manifest.get("files", {}),
    )
