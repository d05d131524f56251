"""One engine host at a time: an advisory lock of PostgreSQL, which its holder keeps with a connection of its own.

Two hosts would each start every engine, end what the other started as leftovers of a dead one, and flip routes to what
the other has not loaded. PostgreSQL gives the lock up when the connection ends, so when a holder is killed the next
host has it within a second. A holder whose connection broke while the database was away takes the lock again as soon as
there is one; if another host has it by then, it must end: :class:`Superseded`. A connection may also have broken on
this side alone (a network that drops what is idle, a proxy that was restarted): PostgreSQL then keeps the lock for
nobody, for as long as its keepalives take. Whoever finds that the holder is its own lost connection ends that. And it
may stay up while nothing is answered on it (:mod:`appliance.kit.answered`): given up, it is a broken one.
"""

import os
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from appliance.kit import log
from appliance.kit.database import Database
from appliance.kit.errors import Conflict

LOCK: Final = 0x656E67696E65  # "engine"
PAUSE: Final = 1.0
_END_MS: Final = 5_000
_NAME = text("select set_config('application_name', :name, false)")
_SERVER = text("select pid, backend_start from pg_stat_activity where pid = pg_backend_pid()")
_TAKE = text("select pg_try_advisory_lock(:key)")
_ASK = text("select 1")
_HELD = """
    from pg_locks held join pg_stat_activity activity on activity.pid = held.pid
    where held.locktype = 'advisory' and held.objsubid = 1 and held.granted
        and held.classid::bigint << 32 | held.objid::bigint = :key
        and held.database = (select oid from pg_database where datname = current_database())
"""
_HOLDER = text(f"select activity.application_name {_HELD}")
_LOST = text(f"""
    select pg_terminate_backend(activity.pid, :wait) {_HELD} and activity.pid = :pid and backend_start = :since
""")
_logger = log.get(__name__)


class Superseded(Conflict):
    """Another engine host has this appliance's engines."""

    code = "superseded"
    advice = "One engine host is enough: this one starts again, and waits until the other has ended."


class Tenure:
    """This process's hold on the engines of the appliance whose database it is."""

    def __init__(self, system: Database) -> None:
        self._system = system
        self._connection: Connection | None = None
        self._server: Mapping[str, Any] = {}
        self.name = f"engines of {socket.gethostname()}, process {os.getpid()}"

    def wait(self, stop: threading.Event, pause: float = PAUSE) -> bool:
        """Wait until this host is the only one; False when told to stop before."""
        told = ""
        while not stop.is_set():
            try:
                if self._take():
                    return True
                now = f"another engine host runs ({self.holder()}): this one waits, and takes over when that one ends"
            except SQLAlchemyError as error:
                now = f"the database does not answer: {error}"
            if now != told:
                _logger.warning(now)
            told = now
            stop.wait(pause)
        return False

    def keep(self) -> None:
        """See that the lock is still ours, and take it again if the connection broke.

        Raises :class:`Superseded` when another host has taken it, ``SQLAlchemyError`` while the database is away.
        """
        if self._connection is not None:
            try:
                self._connection.execute(_ASK)
            except SQLAlchemyError:
                self.end()
            else:
                return
        if not self._take() and not (self._ended_lost() and self._take()):
            raise Superseded(f"another engine host took over ({self.holder()}): this one ends, and its engines with it")

    def holder(self) -> str:
        """Who has the lock, as they call themselves."""
        with self._system.engine.connect() as connection:
            return connection.execute(_HOLDER, {"key": LOCK}).scalar() or "it ended a moment ago"

    def end(self) -> None:
        """Give it up: the connection is closed, not handed back to the pool with the lock on it."""
        held, self._connection = self._connection, None
        if held is not None:
            with suppress(SQLAlchemyError):
                held.invalidate()
            held.close()

    def _ended_lost(self) -> bool:
        """Whether what held the lock was this host's former connection, whose end PostgreSQL had not seen."""
        if not self._server:
            return False
        with self._system.engine.connect() as connection:
            ended = bool(connection.execute(_LOST, {**self._server, "wait": _END_MS}).scalar())
        if ended:
            _logger.warning("the lock was held by this host's own lost connection, which was ended")
        return ended

    def _take(self) -> bool:
        connection = self._system.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            taken = bool(connection.execute(_TAKE, {"key": LOCK}).scalar_one())
            if taken:
                connection.execute(_NAME, {"name": self.name[:63]})
                pid, since = connection.execute(_SERVER).one()
                self._server = {"key": LOCK, "pid": pid, "since": since}
                self._connection = connection
        finally:
            if self._connection is not connection:
                connection.close()
        return taken
