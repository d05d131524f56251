"""Collections and documents of one caller's tenant: decides, writes rows, asks for jobs. Never commits.

What changes something or reads a text is in the audit record, by ids and digests: a name may tell what a text is about.
"""

import unicodedata
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.permissions import Action, allowed
from appliance.access.principal import Principal
from appliance.audit.service import Audit
from appliance.drivers.blobs import Blobs, Staged
from appliance.jobs.service import Jobs
from appliance.kit import paging
from appliance.knowledge import lists
from appliance.knowledge.batches import Batches
from appliance.knowledge.documents import (
    FORGET_COLLECTION,
    Added,
    Collection,
    Document,
    NormalText,
)
from appliance.knowledge.errors import (
    BadName,
    CollectionExists,
    DocumentNotFound,
    HoldsOthers,
    NothingToRetry,
    NotYourDocument,
    UnderHold,
)
from appliance.knowledge.intake import Intake
from appliance.knowledge.repository import Collections, Documents
from appliance.knowledge.tables import DocumentRow

LONGEST_NAME: Final = 255


def checked_name(name: str) -> str:
    """A name as it is stored: NFC, without white space at its ends. Raises BadName."""
    plain = unicodedata.normalize("NFC", name).strip()
    if not plain or len(plain) > LONGEST_NAME:
        raise BadName(f"a name has 1 to {LONGEST_NAME} characters")
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in plain):
        raise BadName("a name has no control characters")
    return plain


class Knowledge:
    """Collections and documents, as far as ``principal`` may see them; what it has read belongs to ``batch``."""

    def __init__(self, session: Session, principal: Principal, batch: UUID | None = None) -> None:
        self._batch = batch
        self._session = session
        self._principal = principal
        self._tenant = principal.tenant
        self._jobs = Jobs(session, principal.tenant)
        self._audit = Audit(session, principal.tenant, principal.user)
        self._managing = allowed(principal, Action.MANAGE_ACCESS)
        self._collections = Collections(session, principal.tenant, None if self._managing else principal.readers)
        self._documents = Documents(session, principal.tenant, principal.readers)
        self._intake = Intake(session, principal.tenant, principal, batch)

    def create(self, name: str) -> Collection:
        """A new, empty collection. Raises BadName, CollectionExists."""
        plain = checked_name(name)
        made = self._collections.insert(plain)
        if made is None:
            raise CollectionExists.about(plain)
        self._audit.record("collection.create", made)
        return self._collections.one(made)

    def collection(self, collection: UUID) -> Collection:
        """Raises CollectionNotFound."""
        return self._collections.one(collection)

    def collections(self, cursor: str | None, limit: int, name: str | None = None) -> paging.Page[Collection]:
        """A page of collections, or the one of this name."""
        found = self._collections.page(limit + 1, paging.decode(cursor), name)
        return paging.page(found, limit, [one.id for one in found])

    def forget_collection(self, collection: UUID) -> UUID:
        """Delete a collection and forget all its documents; they are not found any more from now on. The job's id.

        Raises CollectionNotFound, HoldsOthers, UnderHold.
        """
        self._collections.one(collection)
        lists.collection(self._session, collection, lock=True)  # uploads under way are waited for and hidden too
        documents = self._documents.within(collection)
        if not self._managing and not self._documents.all_readable(collection):
            raise HoldsOthers
        for document in documents:
            self._intake.hide(document)
        if self._documents.any_held(collection):
            raise UnderHold
        self._audit.record("collection.delete", collection, documents=len(documents))
        return self._jobs.ask(FORGET_COLLECTION, {"collection": str(collection)}, f"forget:{collection}", outlives=True)

    def add(self, collection: UUID, name: str, staged: Staged, blobs: Blobs) -> Added:
        """Take a file in: a new document, a new revision of the one of this name, or nothing for the same bytes again.

        What is served stays as it is until the index holds the new revision. A document that failed is tried again.
        Raises CollectionNotFound, BadName, EmptyUpload, NotYourDocument, DocumentBusy, NoRoomLeft.
        """
        self._collections.check(collection)
        plain = checked_name(name)
        taken = self._intake.put(collection, plain, staged, blobs, self._may_add)
        if taken.unchanged and taken.job is None and self._batch is not None:
            Batches(self._session, self._principal).passed(self._batch)
        return Added(self._document(taken.document), taken.job, unchanged=taken.unchanged)

    def document(self, document: UUID) -> Document:
        """Raises DocumentNotFound."""
        return self._documents.one(document)

    def documents(
        self, cursor: str | None, limit: int, collection: UUID | None = None, state: str | None = None
    ) -> paging.Page[Document]:
        """A page of documents. Raises CollectionNotFound."""
        if collection is not None:
            self._collections.check(collection)
        found = self._documents.page(limit + 1, paging.decode(cursor), collection, state)
        return paging.page(found, limit, [one.id for one in found])

    def text(self, document: UUID) -> NormalText:
        """The normal text that is served. Raises DocumentNotFound, NoText."""
        text = self._documents.text(document)
        self._audit.record("document.read", document)
        return text

    def forget(self, document: UUID) -> UUID:
        """Delete a document everywhere; it is not found any more from now on. The job's id.

        Raises DocumentNotFound, UnderHold.
        """
        row = self._documents.lock(document)
        if row is None:
            raise DocumentNotFound.about(document)
        return self._intake.forget(row)

    def retry(self, document: UUID) -> Added:
        """Read a document again that failed. Raises DocumentNotFound, NothingToRetry."""
        row = self._documents.lock(document)
        newest = self._documents.newest(document)
        if row is None or newest is None:
            raise DocumentNotFound.about(document)
        if row.state != "failed":
            raise NothingToRetry(f"it is {row.state}")
        job = self._intake.again(row.id, newest.id)
        return Added(self._document(row.id), job, unchanged=False)

    def _may_add(self, row: DocumentRow, new: bool) -> None:  # noqa: ARG002, FBT001 - as Intake.put calls it
        if self._principal.readers.isdisjoint(row.readers):
            raise NotYourDocument

    def _document(self, document: UUID) -> Document:
        self._session.expire_all()
        return self._documents.one(document)
