"""The filters of a search, in PostgreSQL, which alone knows collections, sources, types, languages, tags and dates.

Where few documents pass, the index is told which; where many do, most of what it finds passes, and the rest is replaced
from further down, as with access. So the index holds no field that only filters need, and a tag works at once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, Integer, Uuid, and_, any_, bindparam, exists, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, TIMESTAMP
from sqlalchemy.orm import InstrumentedAttribute

from appliance.access.permissions import Action, allowed
from appliance.access.principal import Principal, TenantId
from appliance.kit.asking import Asked, Question
from appliance.kit.errors import NotFound
from appliance.knowledge.repository import names_one, seen
from appliance.knowledge.sources.tables import SourceItemRow, SourceRow
from appliance.knowledge.tables import CollectionRow, DocumentRow, RevisionRow
from appliance.knowledge.wish import Filters

Ids = tuple[UUID, ...] | None
"""Of collections or sources; None: of any."""
MOST_NAMED: Final = 1000
"""Documents that the index is told; it takes as many in a filter without being slower than for one."""


_THERE: Final = and_(SourceItemRow.state != "gone", SourceItemRow.state != "forgotten")


def _listed(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=ARRAY(TEXT))


def _ids(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=ARRAY(Uuid))


def _among(column: InstrumentedAttribute[str | None], name: str) -> ColumnElement[bool]:
    """Whether the column is one of those listed; nothing listed: all are."""
    return or_(func.cardinality(_listed(name)) == 0, column == any_(_listed(name)))


def _bound(name: str) -> ColumnElement[datetime | None]:
    return bindparam(name, type_=TIMESTAMP(timezone=True))


def inside() -> ColumnElement[bool]:
    """Whether a document is of one of the collections ``within``; null: of any."""
    within = _ids("within")
    return or_(within.is_(None), DocumentRow.collection_id == any_(within))


def of_document() -> ColumnElement[bool]:
    """What the filters demand of a document."""
    sources = _ids("sources")
    came = exists().where(
        SourceItemRow.tenant_id == DocumentRow.tenant_id,
        SourceItemRow.document_id == DocumentRow.id,
        SourceItemRow.source_id == any_(sources),
        _THERE,
    )
    return and_(DocumentRow.tags.contains(_listed("tags")), or_(sources.is_(None), came.correlate(DocumentRow)))


def of_revision() -> ColumnElement[bool]:
    """What they demand of its revision."""
    since, until = _bound("since"), _bound("until")
    return and_(
        _among(RevisionRow.media_type, "types"),
        _among(RevisionRow.language, "languages"),
        or_(since.is_(None), RevisionRow.created_at >= since),
        or_(until.is_(None), RevisionRow.created_at < until),
    )


def given(filters: Filters, within: Ids = None, sources: Ids = None) -> dict[str, object]:
    """The values that these conditions are asked with; ``sources``: those that the filters name, None for none."""
    return {
        "types": list(filters.types),
        "languages": list(filters.languages),
        "tags": list(filters.tags),
        "since": filters.since,
        "until": filters.until,
        "within": None if within is None else list(within),
        "sources": None if sources is None else list(sources),
    }


_NAMED: Final = Question(
    select(DocumentRow.id)
    .join(RevisionRow, RevisionRow.id == DocumentRow.current_revision)
    .where(DocumentRow.tenant_id == bindparam("tenant", type_=Uuid()), of_document(), of_revision(), inside())
    .limit(bindparam("most", type_=Integer()))
)
_COLLECTIONS: Final = Question(
    select(CollectionRow.id, CollectionRow.name).where(
        CollectionRow.tenant_id == bindparam("tenant", type_=Uuid()),
        or_(CollectionRow.name == any_(_listed("names")), CollectionRow.id == any_(_ids("ids"))),
        seen(_listed("readers")),
    )
)


def _known_of() -> ColumnElement[bool]:
    """Whether somebody of these readers knows of a source: by a document that came from it."""
    its = SourceItemRow.source_id == SourceRow.id, SourceItemRow.tenant_id == SourceRow.tenant_id, _THERE
    document = DocumentRow.tenant_id == SourceItemRow.tenant_id, DocumentRow.id == SourceItemRow.document_id
    may = DocumentRow.state != "deleting", names_one(DocumentRow.readers, _listed("readers"))
    return exists().where(*its, *document, *may).correlate(SourceRow)


_SOURCES: Final = Question(
    select(SourceRow.id, SourceRow.name).where(
        SourceRow.tenant_id == bindparam("tenant", type_=Uuid()),
        or_(SourceRow.name == any_(_listed("names")), SourceRow.id == any_(_ids("ids"))),
        or_(bindparam("managing", type_=Boolean()), _known_of()),
    )
)


def named(tenant: TenantId, filters: Filters, within: Ids, sources: Ids, most: int) -> Asked:
    """Asks for the documents that pass, for one more than ``most`` where there are so many."""
    return _NAMED.of(tenant=tenant, most=most + 1, **given(filters, within, sources))


def these(found: Sequence[Any], most: int) -> Ids:
    """What was asked with ``named``; None where more than ``most`` pass."""
    return None if len(found) > most else tuple(row.id for row in found)


def collections(principal: Principal, names: Sequence[str]) -> Asked:
    """Asks for the collections that are given by id or by name, of those that the principal sees."""
    readers = sorted(principal.readers)
    return _COLLECTIONS.of(tenant=principal.tenant, names=list(names), ids=_uuids(names), readers=readers)


def sources(principal: Principal, names: Sequence[str]) -> Asked:
    """Asks for the sources that are given by id or by name: all for who manages them.

    For anybody else those of whose documents they may read one: who is told that a source is there learns that it is.
    """
    managing, readers = allowed(principal, Action.MANAGE_SOURCES), sorted(principal.readers)
    named = {"names": list(names), "ids": _uuids(names)}
    return _SOURCES.of(tenant=principal.tenant, readers=readers, managing=managing, **named)


def resolved(names: Sequence[str], found: Sequence[Any], missing_is: type[NotFound]) -> tuple[UUID, ...]:
    """The ids of what has these names or ids. Raises ``missing_is`` for the first that is not among those found."""
    known = {key: row.id for row in found for key in (row.name, str(row.id))}
    missing = [one for one in names if one not in known]
    if missing:
        raise missing_is(missing[0])
    return tuple(dict.fromkeys(known[one] for one in names))


def _uuids(names: Sequence[str]) -> list[UUID]:
    found: list[UUID] = []
    for one in names:
        try:
            found.append(UUID(one))
        except ValueError:
            continue
    return found
