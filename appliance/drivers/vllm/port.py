"""What serving asks of an engine: a process that can be watched, and an HTTP server on its Unix socket."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from enum import Enum
from typing import Any, Protocol

from appliance.kit import errors


class EngineDown(errors.Unavailable):
    """The engine behind this route does not run."""

    code = "engine_down"
    advice = "Wait for the time in Retry-After, then try again; 'appliance deployments list' says what it is doing."


class Health(Enum):
    """What an engine says of itself. SILENT: nothing, it may be starting or busy. DEAD: it says that it is broken."""

    WELL = "well"
    SILENT = "silent"
    DEAD = "dead"


class Process(Protocol):
    """A started engine with all its descendants."""

    @property
    def pid(self) -> int | None:
        """The server's process; None for one that is not of this machine."""
        ...

    def poll(self) -> int | None:
        """How it ended, negative for a signal; None while any of it runs."""
        ...

    def worked(self) -> float:
        """Seconds of a core that all of it has used so far; 0 where nobody can tell."""
        ...

    def ask_to_stop(self, grace: float) -> None:
        """Ask it to end; after ``grace`` seconds all of it is killed. Does not wait."""
        ...


class Answer(Protocol):
    """The beginning of an engine's answer, its body still to come."""

    status: int

    async def body(self) -> bytes:
        """All of it. Raises :class:`EngineDown` when the engine dies meanwhile."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """As it comes. Raises :class:`EngineDown` when the engine dies meanwhile."""
        ...


class Upstream(Protocol):
    """The way to one engine. Leaving the context before the end makes the engine abort the request."""

    def post(self, path: str, body: dict[str, Any]) -> AbstractAsyncContextManager[Answer]:
        """Send a request. Raises :class:`EngineDown` when nothing answers."""
        ...
