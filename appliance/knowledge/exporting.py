"""A collection leaves as one archive, written while it is sent. Never commits.

Only who may read all of it has it; who may not manage access gets no access lists. What is served is what is exported:
the revision that answers, or the newest where none does yet. No session is open while the receiver is slow.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID
from zipfile import ZIP_STORED, ZipFile

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session, aliased

from appliance.access.permissions import Action, allowed
from appliance.access.principal import Principal
from appliance.access.readers import Readers
from appliance.audit.service import Audit
from appliance.drivers.blobs import BlobMissing, Blobs
from appliance.kit.archives import PIECE, Sink, Writing
from appliance.kit.database import Database
from appliance.knowledge.collection_archive import DOCUMENTS, FORMAT, MOST_DOCUMENTS, ORIGINALS, TEXTS
from appliance.knowledge.errors import NotAllYours, TooManyToExport
from appliance.knowledge.glossary import Glossary
from appliance.knowledge.repository import Collections, Documents
from appliance.knowledge.tables import CollectionRow, DocumentRow, RevisionRow
from appliance.tenants import viewing

_AT_ONCE: Final = 500
_TOLD: Final = ("title", "media_type", "language", "reading")


@dataclass(frozen=True, slots=True)
class Head:
    """What is exported: checked, and recorded."""

    collection: UUID
    told: Mapping[str, object]
    glossary: Sequence[Mapping[str, object]]


class Exporting:
    """Of one person. ``texts``: the normal texts too."""

    def __init__(self, principal: Principal, *, texts: bool) -> None:
        self._principal = principal
        self._texts = texts
        self._sharing = allowed(principal, Action.MANAGE_ACCESS)

    def begin(self, session: Session, collection: UUID) -> Head:
        """Raises CollectionNotFound, NotAllYours, TooManyToExport."""
        who = self._principal
        found = Collections(session, who.tenant, None if self._sharing else who.readers).one(collection)
        if not Documents(session, who.tenant, who.readers).all_readable(collection):
            raise NotAllYours
        documents = sum(found.documents.values())
        if documents > MOST_DOCUMENTS:
            raise TooManyToExport(f"it has {documents} documents; an archive holds {MOST_DOCUMENTS}")
        row = session.execute(select(CollectionRow).where(CollectionRow.id == collection)).scalar_one()
        access = self._lists(session, [row.readers])[tuple(row.readers)] if self._sharing else None
        rule = row.retention if allowed(who, Action.MANAGE_HOLDS) else None
        told = {"name": row.name, "reading": row.reading, "access": access, "retention": rule}
        Audit(session, who.tenant, who.user).record(
            "collection.export", collection, documents=documents, texts=self._texts, access=self._sharing
        )
        return Head(collection, told, Glossary(session, who).carried())

    def archive(self, database: Database, blobs: Blobs, head: Head) -> Iterator[bytes]:
        """The archive, in pieces; it breaks off where what is exported has been taken from the person meanwhile."""
        sink = Sink()
        with ZipFile(sink, "w", compresslevel=1) as archive:  # type: ignore[call-overload] # a sink has no tell: so it is
            writing = Writing(archive)
            for _ in self._files(writing, database, blobs, head):
                yield sink.taken()
        yield sink.taken()

    def _files(self, writing: Writing, database: Database, blobs: Blobs, head: Head) -> Iterator[None]:
        """Pauses wherever there is something to send."""
        originals: dict[str, None] = {}
        revisions: list[UUID] = []
        with writing.member(DOCUMENTS) as write:
            for row, access in self._documents(database, head.collection):
                there = self._there(blobs, row.sha256)
                if there:
                    originals[row.sha256] = None
                revisions.append(row.revision)
                text = _text(len(revisions)) if self._texts and row.has_text else None
                line = {**_line(row), "access": access, "text": text, "missing": not there}
                write(json.dumps(line, ensure_ascii=False, default=str).encode() + b"\n")
                yield
        for sha256 in originals:
            yield from self._original(writing, blobs, sha256)
        for number, revision in enumerate(revisions if self._texts else (), 1):
            with database.session(self._principal.tenant) as session:
                kept = session.execute(select(RevisionRow.text).where(RevisionRow.id == revision)).scalar_one_or_none()
            if kept is not None:
                with writing.member(_text(number)) as write:
                    write(kept.encode())
                yield
        whole = {"format": FORMAT, "collection": head.told, "documents": len(revisions), "glossary": head.glossary}
        writing.close(whole)

    def _original(self, writing: Writing, blobs: Blobs, sha256: str) -> Iterator[None]:
        hashed = hashlib.sha256()
        with (
            blobs.local(self._principal.tenant, sha256) as path,
            path.open("rb") as file,
            writing.member(f"{ORIGINALS}{sha256}", ZIP_STORED) as write,
        ):
            while piece := file.read(PIECE):
                hashed.update(piece)
                write(piece)
                yield
        if hashed.hexdigest() != sha256:
            raise BlobMissing(f"{sha256[:12]}… is stored with other bytes")

    def _there(self, blobs: Blobs, sha256: str) -> bool:
        try:
            with blobs.local(self._principal.tenant, sha256):
                return True
        except BlobMissing:
            return False

    def _documents(
        self, database: Database, collection: UUID
    ) -> Iterator[tuple[Row[Any], Mapping[str, object] | None]]:
        """In the order in which they were added, with their own access lists. Raises NotAllYours."""
        after: UUID | None = None
        while True:
            query = _shown(collection) if after is None else _shown(collection).where(DocumentRow.id > after)
            with database.session(self._principal.tenant) as session:
                rows = session.execute(query.limit(_AT_ONCE)).all()
                own = [row.own_readers for row in rows if row.own_readers is not None]
                lists = self._lists(session, own) if self._sharing else {}
            for row in rows:
                if self._principal.readers.isdisjoint(row.readers):
                    raise NotAllYours
                yield row, lists.get(tuple(row.own_readers or ())) if row.own_readers is not None else None
            if not rows:
                return
            after = rows[-1].id

    def _lists(self, session: Session, lists: Sequence[Sequence[str]]) -> dict[tuple[str, ...], Mapping[str, object]]:
        """Access lists with the names of all whom they mean."""
        names = viewing.names(session, self._principal.tenant, Readers.of(entry for one in lists for entry in one))
        groups, users = ({each.id: each.name for each in some} for some in (names.groups, names.users))
        found: dict[tuple[str, ...], Mapping[str, object]] = {}
        for entries in {tuple(one) for one in lists}:
            readers = Readers.of(entries)
            found[entries] = {
                "everyone": readers.everyone,
                "groups": sorted(groups[one] for one in readers.groups if one in groups),
                "users": sorted(users[one] for one in readers.users if one in users),
            }
        return found


def _line(row: Row[Any]) -> dict[str, object]:
    told = {name: getattr(row, name) for name in ("name", "sha256", "bytes", "tags", *_TOLD)}
    return {**told, "added_at": row.created_at.isoformat()}


def _text(number: int) -> str:
    return f"{TEXTS}{number:06}.txt"


def _shown(collection: UUID) -> Select[*tuple[Any, ...]]:
    """Documents, each with the revision that is served, or else its newest."""
    other = aliased(RevisionRow)
    newest = select(other.id).where(other.document_id == DocumentRow.id).order_by(other.number.desc()).limit(1)
    served = func.coalesce(DocumentRow.current_revision, newest.scalar_subquery())
    return (
        select(
            DocumentRow.id,
            DocumentRow.name,
            DocumentRow.readers,
            DocumentRow.own_readers,
            DocumentRow.tags,
            DocumentRow.created_at,
            RevisionRow.id.label("revision"),
            RevisionRow.text.is_not(None).label("has_text"),
            RevisionRow.sha256,
            RevisionRow.bytes,
            *(getattr(RevisionRow, name) for name in _TOLD),
        )
        .join(RevisionRow, RevisionRow.id == served)
        .where(DocumentRow.collection_id == collection, DocumentRow.state != "deleting")
        .order_by(DocumentRow.id)
    )
