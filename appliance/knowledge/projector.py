"""The loop that keeps one index up with the outbox: woken by NOTIFY, and every second in case a bell was lost."""

import threading
from contextlib import suppress
from typing import Protocol, cast

import psycopg
from sqlalchemy.exc import DBAPIError

from appliance.kit import log
from appliance.kit.database import Database
from appliance.knowledge.outbox import CHANNEL
from appliance.knowledge.projection import Projection

_logger = log.get(__name__)


class Bell(Protocol):
    """What wakes a projector."""

    def wait(self, seconds: float) -> bool:
        """True when it rang within the time."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class NotifyBell:
    """PostgreSQL's NOTIFY. While the connection is down it is a plain pause."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None

    def wait(self, seconds: float) -> bool:
        """True when it rang within the time, and when it has just begun to listen: rows may have come before."""
        try:
            if self._connection is None:
                self._connection = self._listen()
                return True
            return any(True for _ in self._connection.notifies(timeout=seconds, stop_after=1))
        except (psycopg.Error, DBAPIError) as error:
            _logger.warning("not listening to the outbox", reason=str(error))
            self.close()
            threading.Event().wait(seconds)
            return False

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()

    def _listen(self) -> "psycopg.Connection[tuple[object, ...]]":
        pooled = self._database.engine.raw_connection()
        connection = cast("psycopg.Connection[tuple[object, ...]]", pooled.driver_connection)
        pooled.detach()
        connection.autocommit = True
        connection.execute(f"listen {CHANNEL}")
        return connection


class Projector:
    """Applies rows, in a thread of its own once started.

    ``position`` is the last row applied, ``points`` how many points were changed, ``trouble`` why the last try failed.
    """

    def __init__(self, projection: Projection, bell: Bell, *, position: int = 0, poll: float = 1.0) -> None:
        self._projection = projection
        self._bell = bell
        self._poll = poll
        self.position = position
        self.points = 0
        self.trouble = ""
        self._gate = threading.Lock()
        self._open = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def catch_up(self, until: int | None = None, *, flips: bool = False) -> None:
        """Apply all rows there are, or all up to ``until``, in the calling thread, before :meth:`start`."""
        while self._advance(flips=flips, until=until):
            pass

    def start(self) -> None:
        """Apply from ``position`` on, rows that make revisions current too."""
        self._open.set()
        self._thread = threading.Thread(target=self._run, name="projector", daemon=True)
        self._thread.start()

    def pause(self) -> int:
        """Finish the batch in progress and begin no other; the last row applied."""
        self._open.clear()
        with self._gate:
            return self.position

    def resume(self) -> None:
        """Go on after a pause."""
        self._open.set()

    def stop(self) -> int:
        """End the thread after its batch; the last row applied."""
        self._ending.set()
        self._open.set()
        if self._thread is not None:
            self._thread.join()
        self._bell.close()
        return self.position

    def _advance(self, *, flips: bool, until: int | None = None) -> bool:
        """Apply one batch; False when there was nothing."""
        step = self._projection.apply(self.position, flips=flips, until=until)
        moved = step.seq != self.position
        self.position = step.seq
        self.points += step.points
        return moved

    def _run(self) -> None:
        while not self._ending.is_set():
            self._open.wait()
            if not self._turn():
                self._bell.wait(self._poll)

    def _turn(self) -> bool:
        with self._gate:
            if not self._open.is_set() or self._ending.is_set():
                return True
            try:
                moved = self._advance(flips=True)
                self.trouble = ""
            except Exception as error:  # the edge of this thread: searches go on, the row is tried again
                if str(error) != self.trouble:
                    _logger.exception("the outbox waits")
                self.trouble = str(error)
                return False
            return moved
