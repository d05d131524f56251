"""Who may read what: shown, changed and explained for those who manage access. Never commits.

Whoever manages access sees names and lists of all documents of the tenant, and no text by that. A change decides from
its commit on; every change is in the audit record with the lists' digests.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import Principal
from appliance.access.readers import Readers
from appliance.audit.service import Audit
from appliance.kit import paging
from appliance.kit.canonical import digest_of
from appliance.knowledge import lists
from appliance.knowledge.lists import Listed
from appliance.knowledge.repository import Collections
from appliance.tenants import viewing
from appliance.tenants.viewing import Names


@dataclass(frozen=True, slots=True)
class Access:
    """An access list with its names. ``inherited``: the collection's. ``pending_since``: the index is told of it."""

    name: str
    readers: Readers
    names: Names
    inherited: bool = False
    pending_since: datetime | None = None


class Sharing:
    """Access lists of one tenant."""

    def __init__(self, session: Session, principal: Principal) -> None:
        self._session = session
        self._tenant = principal.tenant
        self._audit = Audit(session, principal.tenant, principal.user)

    def document(self, document: UUID) -> Access:
        """Raises DocumentNotFound."""
        return self._access(lists.document(self._session, document))

    def collection(self, collection: UUID) -> Access:
        """Raises CollectionNotFound."""
        name, entries = lists.collection(self._session, collection)
        readers = Readers.of(entries)
        return Access(name, readers, viewing.names(self._session, self._tenant, readers))

    def documents(
        self, cursor: str | None, limit: int, collection: UUID | None = None, name: str | None = None
    ) -> paging.Page[Listed]:
        """A page of documents with their lists, also of those that the caller may not read."""
        if collection is not None:
            Collections(self._session, self._tenant).one(collection)
        found = lists.page(self._session, collection, name, paging.decode(cursor), limit + 1)
        return paging.page(found, limit, [one.document for one in found])

    def share(self, document: UUID, readers: Readers | None) -> Access:
        """Give a document its own list, or None for its collection's.

        Raises DocumentNotFound, GroupNotFound, UserNotFound.
        """
        if readers is not None:
            viewing.check(self._session, self._tenant, readers)
        before = lists.set_document(self._session, document, None if readers is None else readers.entries)
        now = self.document(document)
        was, entries = digest_of(before), now.readers.entries
        self._audit.record(
            "document.share", document, before=was, after=digest_of(entries), readers=entries, inherited=now.inherited
        )
        return now

    def share_collection(self, collection: UUID, readers: Readers) -> Access:
        """Give a collection a list; documents without their own follow.

        Raises CollectionNotFound, GroupNotFound, UserNotFound.
        """
        viewing.check(self._session, self._tenant, readers)
        _, before = lists.collection(self._session, collection)
        changed = lists.set_collection(self._session, collection, readers.entries)
        was, entries = digest_of(before), readers.entries
        self._audit.record(
            "collection.share", collection, before=was, after=digest_of(entries), readers=entries, documents=changed
        )
        return self.collection(collection)

    def _access(self, listed: Listed) -> Access:
        readers = Readers.of(listed.readers)
        known = viewing.names(self._session, self._tenant, readers)
        return Access(listed.name, readers, known, not listed.own, listed.pending_since)
