"""Recording usage: in the journal at once, from there to PostgreSQL by whoever drains."""

import threading
from pathlib import Path

from appliance.kit import log
from appliance.kit.database import Database
from appliance.usage.draining import Drainer
from appliance.usage.journal import Journal, UsageRecord

_logger = log.get(__name__)


class Usage:
    """Records usage of this process, and drains it where no process is there to do that (``entry/drainer.py``)."""

    def __init__(self, directory: Path, system: Database, pause: float = 1.0) -> None:
        self._journal = Journal(directory)
        self._drainer = Drainer(directory, system)
        self._pause = pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="usage-journal", daemon=True)

    def record(self, record: UsageRecord) -> None:
        """Journal one record; call it before the answer's last byte is sent."""
        self._journal.write(record)

    def start(self) -> None:
        """Finish a file each second, in the background, and drain where nobody else does."""
        self._thread.start()

    def stop(self) -> None:
        """Once more, and stop."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def drain(self) -> int:
        """Insert what this process wrote until now and all else that is finished; the number of records read."""
        self._journal.finish()
        return self._drainer.drain()

    def _run(self) -> None:
        while not self._stop.wait(self._pause):
            self._try()
        self._try()

    def _try(self) -> None:
        try:
            self._journal.finish()
            self._drainer.attempt()
        except OSError as error:
            _logger.warning("the usage journal cannot be finished", error=str(error))
        finally:
            self._drainer.let_go()
