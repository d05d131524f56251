"""A collection comes in as one archive: the file is kept, and a job looks at all of it before it takes anything.

    ask ─▶ file beside the exports, a job      job ─▶ verify (every digest, line, name) and ask for room: else it fails,
                                                      and nothing was changed
                                                  ─▶ the collection and its batch, both with the job's id
                                                  ─▶ each document in a transaction of its own: taken in as an upload is

Whoever takes a killed job over finds the batch, and what was taken is *unchanged*. Never commits.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final
from uuid import UUID

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from appliance.access.permissions import Action, allowed
from appliance.access.principal import Principal, UserId
from appliance.access.readers import Readers
from appliance.audit.service import Audit
from appliance.drivers.blobs import Blobs, BlobTooLarge, Staged
from appliance.jobs.run import Run
from appliance.jobs.service import Jobs
from appliance.kit import clock
from appliance.kit.archives import PIECE
from appliance.kit.errors import Refused
from appliance.kit.ids import uuid7
from appliance.knowledge import carried, glossary, lists
from appliance.knowledge.batches import close
from appliance.knowledge.collection_archive import MAGIC, AccessTold, CollectionArchive, Content, DocumentTold
from appliance.knowledge.errors import (
    ArchiveDamaged,
    ArchiveGone,
    CollectionExists,
    CollectionNotFound,
    NotACollection,
)
from appliance.knowledge.intake import Intake
from appliance.knowledge.repository import Collections, Documents
from appliance.knowledge.retention import Rule
from appliance.knowledge.service import checked_name
from appliance.knowledge.tables import BatchRow, CollectionRow, DocumentRow, RevisionRow
from appliance.knowledge.tagging import checked
from appliance.tenants import viewing
from appliance.usage.errors import NoRoomLeft
from appliance.usage.stock import Stock

IMPORT: Final = "knowledge.import"
_MOST_TOLD: Final = 100
_REFUSALS: Final = (Refused, CollectionExists, CollectionNotFound, NoRoomLeft, BlobTooLarge)
"""Ends of the job after which nobody needs the archive any more."""


@dataclass(frozen=True, slots=True)
class Account:
    """On whose account the documents are: who imports them."""

    user: UserId
    key: UUID | None = None


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where archives wait for their job: below ``root`` by tenant, as exports do. A day later the sweep takes them.

    ``largest``: bytes of an archive; ``largest_document``: of one file in it.
    """

    root: Path
    largest: int
    largest_document: int

    def place(self, tenant: UUID, name: UUID) -> Path:
        """Both parts are ids, nobody's text."""
        return self.root / str(tenant) / f"{name}.import"

    def keep(self, tenant: UUID, name: UUID, source: BinaryIO) -> tuple[str, int]:
        """Receive an archive; its SHA-256 and size. Raises BlobTooLarge, NotACollection; then nothing is left of it."""
        place, hashed, size = self.place(tenant, name), hashlib.sha256(), 0
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                for piece in self._bounded(source):
                    size += len(piece)
                    hashed.update(piece)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            place.unlink(missing_ok=True)
            raise
        return hashed.hexdigest(), size

    def _bounded(self, source: BinaryIO) -> Iterator[bytes]:
        size, piece = 0, source.read(PIECE)
        if not piece.startswith(MAGIC):
            raise NotACollection("it is no zip archive")
        while piece:
            size += len(piece)
            if size > self.largest:
                raise BlobTooLarge(f"more than {self.largest} bytes", limit=self.largest)
            yield piece
            piece = source.read(PIECE)


def ask(session: Session, principal: Principal, file: BinaryIO, name: str | None, shelf: Shelf) -> UUID:
    """Have an archive taken in, as a new collection of this name or of its own; the job's id, and the collection's.

    Its access lists are applied for who may manage access; else, and where it has none, only its importer reads it.
    Raises BadName, CollectionExists, BlobTooLarge, NotACollection.
    """
    plain = None if name is None else checked_name(name)
    if plain is not None and Collections(session, principal.tenant).page(1, None, plain):
        raise CollectionExists.about(plain)
    kept = uuid7()
    sha256, size = shelf.keep(principal.tenant, kept, file)
    args = {
        "archive": str(kept),
        "name": plain,
        "user": str(principal.user),
        "key": str(principal.key) if principal.key else None,
        "sharing": allowed(principal, Action.MANAGE_ACCESS),
        "keeping": allowed(principal, Action.MANAGE_HOLDS),
    }
    job = Jobs(session, principal.tenant).ask(IMPORT, args)
    Audit(session, principal.tenant, principal.user).record("collection.import", job, after=sha256, bytes=size)
    return job


class Importing:
    """One run of the job."""

    def __init__(self, run: Run, blobs: Blobs, shelf: Shelf) -> None:
        self._run, self._blobs, self._shelf = run, blobs, shelf
        key = run.args["key"]
        self._account = Account(UserId(UUID(run.args["user"])), UUID(key) if key else None)
        self._collection = UUID(str(run.job))
        self._groups: dict[str, UUID | None] = {}
        self._users: dict[str, UUID | None] = {}

    def __call__(self) -> Mapping[str, Any]:
        """Take it in. The result tells what was not as the archive has it."""
        place = self._shelf.place(self._run.tenant, UUID(self._run.args["archive"]))
        try:
            with place.open("rb") as file:
                result = self._import(CollectionArchive(file, self._shelf.largest_document))
        except FileNotFoundError as error:
            raise ArchiveGone from error
        except _REFUSALS:
            place.unlink(missing_ok=True)
            raise
        place.unlink(missing_ok=True)
        return result

    def _import(self, archive: CollectionArchive) -> Mapping[str, Any]:
        content = archive.verify(lambda done, total: self._run.progress(done, total, "verifying"))
        with self._run.transaction() as session:
            name = self._begin(session, archive, content)
        missing: list[str] = []
        taken = kept = 0
        for line in archive.documents():
            self._run.progress(taken + kept, content.documents, "taking in")
            if line.missing:
                missing.append(line.name)
            elif self._take(archive, line):
                taken += 1
            else:
                kept += 1
        with self._run.transaction() as session:
            close(session, self._collection)
            differing = glossary.differing(session, carried.terms(archive.manifest.glossary))
        self._run.progress(content.documents, content.documents, "taking in")
        return {
            "collection": str(self._collection),
            "name": name,
            "documents": taken,
            "changed_meanwhile": kept,
            "missing": missing[:_MOST_TOLD],
            "access": "as exported" if self._sharing(archive) else "importer",
            "retention": self._kept_as(archive),
            "glossary_differs": differing[:_MOST_TOLD],
            "unknown_groups": _unknown(self._groups),
            "unknown_users": _unknown(self._users),
        }

    def _begin(self, session: Session, archive: CollectionArchive, content: Content) -> str:
        """The collection with its batch, if this is the first run; its name. Raises CollectionExists, NoRoomLeft."""
        tenant, told = self._run.tenant, archive.manifest.collection
        collections = Collections(session, tenant)
        if session.get(BatchRow, self._collection) is not None:
            return collections.one(self._collection).name  # CollectionNotFound: it was deleted meanwhile
        name = checked_name(self._run.args["name"] or told.name)
        Stock(session, tenant).room(content.documents, content.bytes, self._account)
        if collections.insert(name, self._collection) is None:
            raise CollectionExists.about(name)
        shared = self._sharing(archive)
        readers = self._readers(session, shared) if shared else Readers(users=frozenset({self._account.user}))
        rule = self._rule(archive)
        values: dict[str, object] = {"readers": readers.entries, "reading": told.reading.reading().stored()}
        values["retention"] = None if rule is None else rule.stored()
        session.execute(update(CollectionRow).where(CollectionRow.id == self._collection).values(**values))
        batch = {"id": self._collection, "tenant_id": tenant, "collection_id": self._collection, "kind": "import"}
        announced = {"begun_by": self._account.user, "announced": content.documents}
        session.execute(insert(BatchRow).values(**batch, **announced))
        audit = Audit(session, tenant, self._account.user)
        audit.record("collection.create", self._collection, documents=content.documents, readers=readers.entries)
        if rule is not None:
            audit.record("collection.retention", self._collection, rule=rule.stored())
        glossary.take_in(session, tenant, self._account.user, carried.terms(archive.manifest.glossary))
        return name

    def _rule(self, archive: CollectionArchive) -> Rule | None:
        """The archive's rule of retention, for who may make rules, unless its day is over."""
        told = archive.manifest.collection.retention
        return told.rule(clock.now().date()) if told is not None and self._run.args.get("keeping") else None

    def _kept_as(self, archive: CollectionArchive) -> str:
        if archive.manifest.collection.retention is None:
            return "none"
        return "left out" if self._rule(archive) is None else "as exported"

    def _take(self, archive: CollectionArchive, line: DocumentTold) -> bool:
        """One document; False where somebody has put another file in its place since an earlier run took it."""
        with archive.original(line.sha256) as member:
            staged = self._blobs.stage(self._run.tenant, member, self._shelf.largest_document)
        try:
            if staged.sha256 != line.sha256:
                raise ArchiveDamaged(f"the original of {line.name!r} has changed since it was looked at")
            with self._run.transaction() as session:
                Collections(session, self._run.tenant).check(self._collection)
                self._put(session, archive, line, staged)
        except _Another:
            return False
        finally:
            self._blobs.drop(staged)
        return True

    def _put(self, session: Session, archive: CollectionArchive, line: DocumentTold, staged: Staged) -> None:
        tenant = self._run.tenant
        documents = Documents(session, tenant)

        def may(row: DocumentRow, new: bool) -> None:  # noqa: FBT001 - as Intake.put calls it
            newest = None if new else documents.newest(row.id)
            if row.state == "deleting" or (newest is not None and newest.sha256 != staged.sha256):
                raise _Another

        intake = Intake(session, tenant, self._account, self._collection)
        taken = intake.put(self._collection, checked_name(line.name), staged, self._blobs, may)
        if not taken.new:
            return
        reading = line.reading.reading().stored()
        session.execute(update(RevisionRow).where(RevisionRow.document_id == taken.document).values(reading=reading))
        if line.tags:
            documents.set(taken.document, tags=checked(line.tags))
        if line.access is not None and self._sharing(archive):
            lists.set_document(session, taken.document, self._readers(session, line.access).entries)

    def _sharing(self, archive: CollectionArchive) -> AccessTold | None:
        """The archive's list for the whole, if lists are applied at all."""
        return archive.manifest.collection.access if self._run.args["sharing"] else None

    def _readers(self, session: Session, told: AccessTold) -> Readers:
        """Those of them who are here. Who is not is left out: a list never lets more people in than it did."""
        groups, users = set(told.groups) - set(self._groups), set(told.users) - set(self._users)
        if groups:
            found = viewing.groups_named(session, self._run.tenant, groups)
            self._groups |= {name: found.get(name) for name in groups}
        if users:
            found = viewing.users_named(session, self._run.tenant, users)
            self._users |= {name: found.get(name) for name in users}
        return Readers(told.everyone, _known(self._groups, told.groups), _known(self._users, told.users))


class _Another(Exception):
    """The document of this name is not the archive's."""


def _known(found: Mapping[str, UUID | None], names: Iterable[str]) -> frozenset[UUID]:
    return frozenset(one for one in (found[name] for name in names) if one is not None)


def _unknown(found: Mapping[str, UUID | None]) -> list[str]:
    return sorted(name for name, one in found.items() if one is None)[:_MOST_TOLD]
