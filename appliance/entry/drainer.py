"""The process beside web that drains the usage journal: ``python -m appliance.entry.drainer``.

In web itself each record would take as much of the one interpreter that answers as a tenth of its request does, and the
answers wait meanwhile. Web starts it (:class:`Beside`) and drains by itself while it is not there. It waits behind all
who answer, and so does the connection that it has to a PostgreSQL on this machine: a second's records are some hundred
milliseconds of both.
"""

import gc
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from psycopg import Connection
from sqlalchemy import event

from appliance.entry.gathering import load_tables
from appliance.kit import log, settings
from appliance.kit.children import Child, ChildNotStarted, Limits, Log, spawn
from appliance.kit.database import Database, address
from appliance.kit.priority import BEHIND, USUAL, slice_of, yield_to_others
from appliance.kit.settings import Settings
from appliance.usage.draining import Drainer

PAUSE: Final = 0.25
"""Seconds between two looks: web finishes a file each second."""
GRACE: Final = 5.0
"""Seconds for what is left when it is told to stop; what was not drained then, the next start drains."""
_AGAIN: Final = 2.0
_HEARD: Final = {signal.SIGTERM, signal.SIGINT}
_logger = log.get(__name__)


class Beside:
    """Keeps that process going beside this one: a thread that starts it, and again when it has ended.

    ``env``: its whole environment, None: ours.
    """

    def __init__(self, configured: Settings, env: Mapping[str, str] | None = None) -> None:
        self.child: Child | None = None
        self._settings = configured
        self._env = env
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="drainer", daemon=True)

    def start(self) -> None:
        """Start it, in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Let it drain what is finished, and end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=GRACE + 1)

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            pause = _AGAIN
            try:
                child = self.child = self._started()
            except (ChildNotStarted, OSError) as error:
                _logger.warning("the drainer does not start: web drains by itself", reason=str(error))
                continue
            while (status := child.poll()) is None:
                if self._stop.wait(1.0):
                    child.stop(GRACE)
                    return
            _logger.warning("the drainer ended: web drains by itself until it is back", status=status)

    def _started(self) -> Child:
        argv = [sys.executable, "-P", "-m", "appliance.entry.drainer"]
        log_file = Log(self._settings.layout.log("drainer"))
        return spawn(argv, name="drainer", env=self._env, log=log_file, limits=Limits(nice=BEHIND), grace=GRACE)


def behind(connection: Connection[Any]) -> None:
    """Let the server's process that serves a connection wait behind others, where it runs on this machine as we do."""
    host, pid = connection.info.host, connection.info.backend_pid
    with suppress(OSError):
        if host.startswith("/") and Path(f"/proc/{pid}/comm").read_text().startswith("postgres"):
            yield_to_others(BEHIND, pid)


def main() -> None:
    """Drain until told to stop, and then once more."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    configured = settings.load()
    load_tables()  # a column that leads to another slice's table has the type of what is there
    log.configure("drainer", configured.log_level)
    timeouts = (configured.database.statement_timeout_ms, configured.database.lock_timeout_ms)
    system = Database(address(configured, "system"), pool_size=1, timeouts=timeouts)
    event.listen(system.engine, "connect", lambda connection, _: behind(connection))
    drainer = Drainer(configured.layout.journal, system)
    slice_of(0, USUAL)  # web's is shorter, and was inherited
    gc.freeze()  # and no more: the collector is to find what each batch leaves, which else stays
    while signal.sigtimedwait(_HEARD, PAUSE) is None:
        drainer.attempt()
    drainer.attempt()
    system.close()


if __name__ == "__main__":
    main()
