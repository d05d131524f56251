"""Tags of documents: words that people put on them, by which a search is narrowed. Never commits."""

import unicodedata
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.access.principal import Principal
from appliance.audit.service import Audit
from appliance.knowledge.documents import Document
from appliance.knowledge.errors import BadTag, DocumentNotFound
from appliance.knowledge.repository import Documents, read_by
from appliance.knowledge.tables import DocumentRow

LONGEST: Final = 50
MOST: Final = 50


def checked(tags: Sequence[str]) -> list[str]:
    """As they are stored: NFKC, lower case, in order, each once. Raises BadTag."""
    plain = sorted({unicodedata.normalize("NFKC", tag).strip().lower() for tag in tags})
    for tag in plain:
        if not 1 <= len(tag) <= LONGEST or "," in tag or not tag.isprintable():
            raise BadTag(f"{tag!r} is no tag")
    if len(plain) > MOST:
        raise BadTag(f"these are {len(plain)} tags")
    return plain


class Tagging:
    """Tags of the documents that the principal may read."""

    def __init__(self, session: Session, principal: Principal) -> None:
        self._session = session
        self._principal = principal
        self._documents = Documents(session, principal.tenant, principal.readers)

    def set(self, document: UUID, tags: Sequence[str]) -> Document:
        """Give a document these tags in place of those that it has. Raises BadTag, DocumentNotFound."""
        plain = checked(tags)
        row = self._documents.lock(document)
        if row is None or row.state == "deleting":
            raise DocumentNotFound.about(document)
        if plain != row.tags:
            self._documents.set(document, tags=plain)
            audit = Audit(self._session, self._principal.tenant, self._principal.user)
            audit.record("document.tag", document, tags=len(plain))
            self._session.expire_all()
        return self._documents.one(document)

    def all(self) -> list[tuple[str, int]]:
        """Every tag with the number of documents that have it and that the principal may read, in order."""
        each = func.unnest(DocumentRow.tags).label("tag")
        mine = (
            select(each)
            .where(
                DocumentRow.tenant_id == self._principal.tenant,
                DocumentRow.state != "deleting",
                read_by(DocumentRow.readers, self._principal.readers),
            )
            .subquery()
        )
        query = select(mine.c.tag, func.count()).group_by(mine.c.tag).order_by(mine.c.tag)
        return [(tag, count) for tag, count in self._session.execute(query)]
