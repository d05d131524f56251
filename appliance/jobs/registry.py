"""Which code runs which kind of job. Filled in the composition roots, the only place that knows all slices."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from appliance.jobs.errors import KindUnknown
from appliance.jobs.job import Ending
from appliance.jobs.run import Run
from appliance.kit.settings import JobSettings

Handler = Callable[[Run], Mapping[str, Any] | None]
"""Does the work and returns the job's result. It may be run again from the start at any time, so it must be harmless
to repeat."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A handler and the longest it may run, in seconds (None: as long as it lives)."""

    handler: Handler
    longest: float | None = None


class Registry:
    """Handlers by kind, and who wants to know when a job of a kind has ended."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self.endings: dict[str, Ending] = {}

    def add(self, kind: str, handler: Handler, *, ended: Ending | None = None, longest: float | None = None) -> None:
        """Register; a kind has one handler."""
        if kind in self._entries:
            message = f"two handlers for jobs of kind {kind!r}"
            raise ValueError(message)
        self._entries[kind] = Entry(handler, longest)
        if ended is not None:
            self.endings[kind] = ended

    def entry(self, kind: str) -> Entry:
        """Raises :class:`KindUnknown`."""
        if kind not in self._entries:
            message = f"no handler for jobs of kind {kind!r}"
            raise KindUnknown(message)
        return self._entries[kind]

    @property
    def kinds(self) -> tuple[str, ...]:
        """All kinds, in order."""
        return tuple(sorted(self._entries))


def renewal(settings: JobSettings) -> float:
    """Seconds between two heartbeats: five may be lost before the lease is."""
    return settings.lease_seconds / 6
