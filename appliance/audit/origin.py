"""Where the act at hand comes from: set once by the web's edge, read by every entry written under it.

A context variable, as services far below the edge write entries and none of them should carry an address about.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """The request's id and the address of the peer; both None for what the appliance does by itself."""

    request_id: str | None = None
    source: str | None = None


NOWHERE = Origin()
_origin: ContextVar[Origin] = ContextVar("origin", default=NOWHERE)


def current() -> Origin:
    """The origin of the act at hand."""
    return _origin.get()


@contextmanager
def acting(origin: Origin) -> Iterator[None]:
    """Acts within come from here."""
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)
