"""An audit entry as it is chained, exported and verified: plain values that have one canonical form."""

from collections.abc import Mapping
from datetime import UTC, datetime

from appliance.kit.canonical import Canonical

FIELDS = (
    "id",
    "tenant_id",
    "actor",
    "action",
    "object",
    "outcome",
    "request_id",
    "source",
    "before",
    "after",
    "details",
    "created_at",
)
"""All of an entry: whatever stands in its row is under its digest."""

Entry = Mapping[str, Canonical]


def plain(value: object) -> Canonical:
    """A value without floats and without types of our own: those become text, so that every entry can be chained."""
    match value:
        case None | bool() | int() | str():
            return value
        case datetime():
            return moment(value)
        case Mapping():
            return {str(name): plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
        case _:
            return str(value)


def entry(row: Mapping[str, object]) -> Entry:
    """The entry in a row of ``audit_entries``. Raises KeyError where a column is missing."""
    return {name: plain(row[name]) for name in FIELDS}


def moment(at: datetime) -> str:
    """A time as it is chained: UTC, always with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
