"""Draining the usage journal into PostgreSQL, exactly once by request id."""

import threading
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from appliance.kit import log
from appliance.kit.database import Database
from appliance.usage import account
from appliance.usage.journal import Journal, UsageRecord, finished, records

_logger = log.get(__name__)
_BATCH = 2_000
"""Records in a transaction: about what a process answers in a second, as each has its statements' cost anew."""


class Usage:
    """Records usage of this process and drains what any process left behind."""

    def __init__(self, directory: Path, system: Database, pause: float = 1.0) -> None:
        self._directory = directory
        self._journal = Journal(directory)
        self._system = system
        self._pause = pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="usage-drainer", daemon=True)

    def record(self, record: UsageRecord) -> None:
        """Journal one record; call it before the answer's last byte is sent."""
        self._journal.write(record)

    def start(self) -> None:
        """Drain in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Drain once more and stop."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def drain(self) -> int:
        """Insert all finished files; returns the number of records read. A file is removed after its commit."""
        self._journal.finish()
        count = 0
        for path in finished(self._directory):
            try:
                batch = list(records(path))
            except FileNotFoundError:  # another process was quicker
                continue
            self._insert(batch)
            path.unlink(missing_ok=True)  # another process may drain the same directory
            count += len(batch)
        return count

    def _insert(self, batch: list[UsageRecord]) -> None:
        for begin in range(0, len(batch), _BATCH):
            with self._system.session() as session:
                account.keep(session, batch[begin : begin + _BATCH])

    def _run(self) -> None:
        while not self._stop.wait(self._pause):
            self._try()
        self._try()

    def _try(self) -> None:
        try:
            self.drain()
        except (SQLAlchemyError, OSError) as error:
            _logger.warning("usage stays in the journal for now", error=str(error))
