"""The only place that reads the clock, so that a rule can forbid every other."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The wall clock as an aware UTC time."""
    return datetime.now(UTC)  # noqa: TID251 - the one permitted call


def monotonic() -> float:
    """Seconds on a clock that never runs backwards; only differences mean anything."""
    return time.monotonic()
