"""The filters of a search, in PostgreSQL, which alone knows types, languages, tags and dates.

Where few documents pass, the index is told which; where many do, most of what it finds passes, and the rest is replaced
from further down, as with access. So the index holds no field that only filters need, and a tag works at once.
"""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, cast, exists, select
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Session

from appliance.access.principal import TenantId
from appliance.knowledge.tables import DocumentRow, RevisionRow
from appliance.knowledge.wish import Filters

MOST_NAMED: Final = 1000
"""Documents that the index is told; it takes as many in a filter without being slower than for one."""


def conditions(filters: Filters) -> Iterator[ColumnElement[bool]]:
    """What a document, joined with its revision, must fulfil."""
    if filters.types:
        yield RevisionRow.media_type.in_(filters.types)
    if filters.languages:
        yield RevisionRow.language.in_(filters.languages)
    if filters.tags:
        yield DocumentRow.tags.contains(cast(list(filters.tags), ARRAY(TEXT)))
    if filters.since:
        yield RevisionRow.created_at >= filters.since
    if filters.until:
        yield RevisionRow.created_at < filters.until


def passes(filters: Filters, revision: ColumnElement[UUID]) -> ColumnElement[bool]:
    """Whether the document of this revision passes."""
    its = RevisionRow.id == revision, DocumentRow.id == RevisionRow.document_id
    return exists().where(*its, *conditions(filters))


def named(
    session: Session, tenant: TenantId, filters: Filters, within: tuple[UUID, ...] | None, most: int
) -> tuple[UUID, ...] | None:
    """The documents that pass; None where they are more than ``most``, or nothing is filtered."""
    if not filters:
        return None
    query = (
        select(DocumentRow.id)
        .join(RevisionRow, RevisionRow.id == DocumentRow.current_revision)
        .where(DocumentRow.tenant_id == tenant, *conditions(filters))
        .limit(most + 1)
    )
    if within is not None:
        query = query.where(DocumentRow.collection_id.in_(within))
    found = tuple(session.execute(query).scalars())
    return None if len(found) > most else found
