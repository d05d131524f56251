"""The filters of a search, in PostgreSQL, which alone knows collections, types, languages, tags and dates.

Where few documents pass, the index is told which; where many do, most of what it finds passes, and the rest is replaced
from further down, as with access. So the index holds no field that only filters need, and a tag works at once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Uuid, and_, any_, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, TIMESTAMP
from sqlalchemy.orm import InstrumentedAttribute

from appliance.access.principal import Principal, TenantId
from appliance.kit.asking import Asked, Question
from appliance.knowledge.errors import CollectionNotFound
from appliance.knowledge.repository import seen
from appliance.knowledge.tables import CollectionRow, DocumentRow, RevisionRow
from appliance.knowledge.wish import Filters

MOST_NAMED: Final = 1000
"""Documents that the index is told; it takes as many in a filter without being slower than for one."""


def _listed(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=ARRAY(TEXT))


def _among(column: InstrumentedAttribute[str | None], name: str) -> ColumnElement[bool]:
    """Whether the column is one of those listed; nothing listed: all are."""
    return or_(func.cardinality(_listed(name)) == 0, column == any_(_listed(name)))


def _bound(name: str) -> ColumnElement[datetime | None]:
    return bindparam(name, type_=TIMESTAMP(timezone=True))


def inside() -> ColumnElement[bool]:
    """Whether a document is of one of the collections ``within``; null: of any."""
    within = bindparam("within", type_=ARRAY(Uuid))
    return or_(within.is_(None), DocumentRow.collection_id == any_(within))


def of_document() -> ColumnElement[bool]:
    """What the filters demand of a document."""
    return DocumentRow.tags.contains(_listed("tags"))


def of_revision() -> ColumnElement[bool]:
    """What they demand of its revision."""
    since, until = _bound("since"), _bound("until")
    return and_(
        _among(RevisionRow.media_type, "types"),
        _among(RevisionRow.language, "languages"),
        or_(since.is_(None), RevisionRow.created_at >= since),
        or_(until.is_(None), RevisionRow.created_at < until),
    )


def given(filters: Filters, within: tuple[UUID, ...] | None) -> dict[str, object]:
    """The values that these conditions are asked with."""
    return {
        "types": list(filters.types),
        "languages": list(filters.languages),
        "tags": list(filters.tags),
        "since": filters.since,
        "until": filters.until,
        "within": None if within is None else list(within),
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
        or_(
            CollectionRow.name == any_(_listed("names")), CollectionRow.id == any_(bindparam("ids", type_=ARRAY(Uuid)))
        ),
        seen(_listed("readers")),
    )
)


def named(tenant: TenantId, filters: Filters, within: tuple[UUID, ...] | None, most: int) -> Asked:
    """Asks for the documents that pass, for one more than ``most`` where there are so many."""
    return _NAMED.of(tenant=tenant, most=most + 1, **given(filters, within))


def these(found: Sequence[Any], most: int) -> tuple[UUID, ...] | None:
    """What was asked with ``named``; None where more than ``most`` pass."""
    return None if len(found) > most else tuple(row.id for row in found)


def collections(principal: Principal, names: Sequence[str]) -> Asked:
    """Asks for the collections that are given by id or by name, of those that the principal sees."""
    readers = sorted(principal.readers)
    return _COLLECTIONS.of(tenant=principal.tenant, names=list(names), ids=_uuids(names), readers=readers)


def resolved(names: Sequence[str], found: Sequence[Any]) -> tuple[UUID, ...]:
    """The ids of these collections. Raises CollectionNotFound for the first that is not among those found."""
    known = {key: row.id for row in found for key in (row.name, str(row.id))}
    missing = [one for one in names if one not in known]
    if missing:
        raise CollectionNotFound(missing[0])
    return tuple(dict.fromkeys(known[one] for one in names))


def _uuids(names: Sequence[str]) -> list[UUID]:
    found: list[UUID] = []
    for one in names:
        try:
            found.append(UUID(one))
        except ValueError:
            continue
    return found
