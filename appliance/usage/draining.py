"""Draining the usage journal into PostgreSQL, exactly once by request id."""

import fcntl
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from appliance.kit import log
from appliance.kit.database import Database
from appliance.usage import account
from appliance.usage.journal import UsageRecord, finished, records

_logger = log.get(__name__)
_BATCH = 250
"""Records in a transaction. Each has its statements' cost anew, and a larger one its memory for good."""


class Drainer:
    """Inserts what the processes of this machine have finished writing.

    One drains at a time, by a lock on the directory, which its holder's end opens too. That spares work and nothing
    else: two at once insert each record once.
    """

    def __init__(self, directory: Path, system: Database) -> None:
        self._directory = directory
        self._system = system
        self._held: int | None = None

    def take(self) -> bool:
        """Whether it is our turn from now on, until :meth:`let_go`; another's may not be over yet."""
        if self._held is None:
            held = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(held)
                return False
            self._held = held
        return True

    def let_go(self) -> None:
        """Another may."""
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def drain(self) -> int:
        """Insert all finished files; returns the number of records read. A file is removed after its commit."""
        count = 0
        for path in finished(self._directory):
            try:
                count += self._insert(records(path))
            except FileNotFoundError:  # another process was quicker
                continue
            path.unlink(missing_ok=True)  # another process may drain the same directory
        return count

    def attempt(self) -> None:
        """Drain in our turn, if it is or becomes ours, or say in the log why that has to wait; then another may try."""
        if self.take():
            try:
                self.drain()
            except (SQLAlchemyError, OSError) as error:
                _logger.warning("usage stays in the journal for now", error=str(error))
                self.let_go()

    def _insert(self, found: Iterator[UsageRecord]) -> int:
        count = 0
        while batch := list(islice(found, _BATCH)):
            with self._system.session() as session:
                account.keep(session, batch)
            count += len(batch)
        return count
