"""A worker that is killed in the course of a collection's import: its blobs kill it at a step, as a test says.

``python -m tests.integration.knowledge.importer_that_dies BLOBS EXPORTS STEP TIMES``; settings as any process has them.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import UUID

from appliance.access.web import Databases
from appliance.drivers.blobs import DirectoryBlobs, Staged
from appliance.drivers.broker import MemoryBell
from appliance.entry.gathering import load_tables
from appliance.jobs.registry import Registry
from appliance.jobs.runner import Runner
from appliance.kit.database import Database, address
from appliance.kit.settings import load
from appliance.knowledge import tasks
from appliance.knowledge.importing import Shelf


class Torn:
    """A file of which the first bytes come, and then the end of us."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._begun = False

    def read(self, _size: int) -> bytes:
        if self._begun:
            os.kill(os.getpid(), signal.SIGKILL)
        self._begun = True
        return self._source.read(4)


class Dying(DirectoryBlobs):
    """Kills its process when a step is taken for the last of so many times."""

    def __init__(self, root: Path, step: str, times: int) -> None:
        super().__init__(root)
        self._step, self._left = step, times

    def _comes(self, step: str) -> bool:
        self._left -= step == self._step
        return step == self._step and self._left == 0

    def stage(self, tenant: UUID, source: BinaryIO, limit: int) -> Staged:
        """Step ``staging``: before the file; ``torn``: in its midst."""
        if self._comes("staging"):
            os.kill(os.getpid(), signal.SIGKILL)
        torn = cast("BinaryIO", Torn(source))
        return super().stage(tenant, torn if self._comes("torn") else source, limit)

    def keep(self, staged: Staged) -> None:
        """Step ``kept``: the file has its place, its rows are not committed."""
        super().keep(staged)
        if self._comes("kept"):
            os.kill(os.getpid(), signal.SIGKILL)

    def drop(self, staged: Staged) -> None:
        """Step ``taken``: the rows are committed."""
        if self._comes("taken"):
            os.kill(os.getpid(), signal.SIGKILL)
        super().drop(staged)


class Workshop:
    """What an import works with."""

    def __init__(self, blobs: DirectoryBlobs, archives: Shelf) -> None:
        self.blobs, self.archives = blobs, archives


def main(blobs: str, exports: str, step: str, times: str) -> None:
    """Run the job whose turn it is."""
    load_tables()
    settings = load()
    registry = Registry()
    workshop: Any = Workshop(Dying(Path(blobs), step, int(times)), Shelf(Path(exports), 50_000_000, 10_000_000))
    tasks.register(registry, lambda: workshop)
    pools = Databases(*(Database(address(settings, login)) for login in ("app", "operator", "system")))
    Runner(pools.system, pools.app, registry, MemoryBell(), settings.jobs, "killed").run_next()
    pools.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
