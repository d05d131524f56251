"""Where the act at hand comes from: set once by the web's edge, read by every entry written under it.

A context variable, as services far below the edge write entries and none of them should carry an address about.
"""

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


class acting:  # noqa: N801 - used as a function; a generator's context costs three times as much, once a request
    """Acts within come from here."""

    __slots__ = ("_origin", "_token")

    def __init__(self, origin: Origin) -> None:
        self._origin = origin

    def __enter__(self) -> None:
        """From now on."""
        self._token = _origin.set(self._origin)

    def __exit__(self, *_: object) -> None:
        """As it was."""
        _origin.reset(self._token)
