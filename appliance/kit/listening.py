"""Hears that rows changed: PostgreSQL's NOTIFY, rung by triggers on the tables.

A proxy that silently dropped the connection would be noticed by TCP's keep-alive at the earliest: whoever listens also
looks by itself now and then, or remembers nothing for long.
"""

import os
import selectors
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import cast

import psycopg
from psycopg import sql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from appliance.kit import log
from appliance.kit.database import Database

PAUSE = 0.5
"""Seconds between two tries to connect, and between two looks at the connection."""
_logger = log.get(__name__)


class Listener:
    """A thread with a connection of its own. ``rang`` is called at every change and at every loss and return."""

    def __init__(self, database: Database, channel: str, rang: Callable[[], None]) -> None:
        self._database = database
        self._channel = channel
        self._rang = rang
        self._stopping = threading.Event()
        self._wake = -1
        self._thread: threading.Thread | None = None
        self.hears = False

    def start(self) -> None:
        """Begin to listen, in the background."""
        self._wake = os.eventfd(0)
        self._thread = threading.Thread(target=self._run, name=self._channel, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close its connection."""
        self._stopping.set()
        if self._thread is not None:
            os.eventfd_write(self._wake, 1)
            self._thread.join()
            self._thread = None
            os.close(self._wake)

    def _run(self) -> None:
        while not self._stopping.is_set():
            connection: psycopg.Connection[tuple[object, ...]] | None = None
            try:
                connection = self._listen()
                self._hear(connection)
            except (psycopg.Error, DBAPIError, PoolTimeout) as error:
                _logger.warning("not listening", channel=self._channel, reason=str(error))
            finally:
                self.hears = False
                self._rang()
                if connection is not None:
                    with suppress(psycopg.Error):
                        connection.close()
            self._stopping.wait(PAUSE)

    def _hear(self, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        self._rang()  # what changed before LISTEN was not heard
        self.hears = True
        with selectors.DefaultSelector() as either:
            either.register(connection.fileno(), selectors.EVENT_READ)
            either.register(self._wake, selectors.EVENT_READ)
            while not self._stopping.is_set():
                if any(True for _ in connection.notifies(timeout=0)):
                    self._rang()
                either.select(PAUSE)

    def _listen(self) -> "psycopg.Connection[tuple[object, ...]]":
        pooled = self._database.engine.raw_connection()
        connection = cast("psycopg.Connection[tuple[object, ...]]", pooled.driver_connection)
        pooled.detach()
        connection.autocommit = True
        connection.execute(sql.SQL("listen {}").format(sql.Identifier(self._channel)))
        return connection
