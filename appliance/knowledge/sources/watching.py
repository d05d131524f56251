"""Folders are watched by the process that sweeps: what the kernel tells of a change makes the next sync due.

File systems of the network tell nothing of what others change; their sources have a schedule.
"""

from collections.abc import Callable
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.drivers.sources.watch import Watch
from appliance.kit import clock, log
from appliance.kit.errors import ApplianceError
from appliance.kit.settings import SourceSettings
from appliance.knowledge.sources import repository
from appliance.knowledge.sources.connectors import root_of
from appliance.knowledge.sources.service import whose
from appliance.knowledge.sources.settings import FolderSettings, stored
from appliance.knowledge.sources.tables import SourceRow

MOST: Final = 200
"""Folders that are watched; the others have their schedules."""
_AGAIN: Final = 60.0
"""Seconds until a folder that could not be watched is tried again."""
_logger = log.get(__name__)


class Watching:
    """A chore of the sweep, with the ``system`` login's session."""

    def __init__(self, operator: SourceSettings, again: float = _AGAIN) -> None:
        self._operator = operator
        self._again = again
        self._watches: dict[tuple[UUID, int], Watch] = {}
        self._later: dict[tuple[UUID, int], float] = {}

    def __call__(self, session: Session) -> None:
        """Look at each watch once."""
        rows = {(row.id, row.version): row for row in repository.folders(session, MOST)}
        for key in self._watches.keys() - rows.keys():
            self._watches.pop(key).close()
        for key, row in rows.items():
            if key not in self._watches:
                self._begin(key, partial(self._watch, session, row))
            if self._changed(key):
                repository.touched(session, row.id, clock.now())

    def close(self) -> None:
        """Watch nothing more."""
        while self._watches:
            self._watches.popitem()[1].close()

    def _begin(self, key: tuple[UUID, int], make: Callable[[], Watch]) -> None:
        if clock.monotonic() < self._later.get(key, 0.0):
            return
        try:
            self._watches[key] = make()
        except (ApplianceError, OSError) as error:
            self._put_off(key, error)

    def _changed(self, key: tuple[UUID, int]) -> bool:
        watch = self._watches.get(key)
        try:
            return watch is not None and watch.changed()
        except (ApplianceError, OSError) as error:  # it went, or is not mounted any more: one folder's trouble
            self._watches.pop(key).close()
            self._put_off(key, error)
            return True

    def _put_off(self, key: tuple[UUID, int], error: Exception) -> None:
        self._later[key] = clock.monotonic() + self._again
        _logger.warning("a folder cannot be watched", source=str(key[0]), reason=str(error))

    def _watch(self, session: Session, row: SourceRow) -> Watch:
        settings = stored(row.settings)
        path = settings.path if isinstance(settings, FolderSettings) else ""
        return Watch(*root_of(self._operator.folders, whose(session, row.tenant_id), path))
