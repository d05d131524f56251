"""What a quota can bound, of whom, and over which time: pure.

Minutes are the clock's; days and months are the tenant's, in its time zone. A day in which the clocks change has 23
or 25 hours, and a month begins at the first midnight there.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo


class Measure(StrEnum):
    """What is counted. Its value is the member of the API and the column of the table."""

    REQUESTS_PER_MINUTE = "requests_per_minute"
    TOKENS_PER_MINUTE = "tokens_per_minute"
    TOKENS_PER_DAY = "tokens_per_day"
    TOKENS_PER_MONTH = "tokens_per_month"
    CONCURRENT_REQUESTS = "concurrent_requests"
    DOCUMENTS = "documents"
    BYTES = "bytes"
    TRAINING_SECONDS_PER_MONTH = "training_seconds_per_month"


TOKENS = frozenset({Measure.TOKENS_PER_MINUTE, Measure.TOKENS_PER_DAY, Measure.TOKENS_PER_MONTH})
KEPT = frozenset({Measure.TOKENS_PER_DAY, Measure.TOKENS_PER_MONTH, Measure.TRAINING_SECONDS_PER_MONTH})
"""Counted in PostgreSQL: losing Valkey must not give a day back."""
OF_REQUESTS = TOKENS | {Measure.REQUESTS_PER_MINUTE, Measure.CONCURRENT_REQUESTS}


class Kind(StrEnum):
    """Whose share it is."""

    USER = "user"
    KEY = "key"
    TENANT = "tenant"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``amount`` of ``measure`` for one tenant, user or key."""

    tenant: UUID
    kind: Kind
    subject: UUID
    measure: Measure
    amount: int


@dataclass(frozen=True, slots=True)
class Window:
    """A time that is counted as one, from ``start`` to just before ``end``, both UTC."""

    start: datetime
    end: datetime


EVER = Window(datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
"""Of what has no window: the requests that run at once."""


def window(measure: Measure, now: datetime, zone: ZoneInfo) -> Window:
    """The window of a measure at this moment."""
    match measure:
        case Measure.REQUESTS_PER_MINUTE | Measure.TOKENS_PER_MINUTE:
            start = now.astimezone(UTC).replace(second=0, microsecond=0)
            return Window(start, start + timedelta(minutes=1))
        case Measure.TOKENS_PER_DAY:
            day = now.astimezone(zone).date()
            return Window(_midnight(day, zone), _midnight(day + timedelta(days=1), zone))
        case Measure.TOKENS_PER_MONTH | Measure.TRAINING_SECONDS_PER_MONTH:
            return month(now, zone)
        case _:
            return EVER


def month(now: datetime, zone: ZoneInfo) -> Window:
    """The tenant's month that holds this moment."""
    first = now.astimezone(zone).date().replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return Window(_midnight(first, zone), _midnight(following, zone))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(0), zone).astimezone(UTC)
