"""A connection to PostgreSQL that is given up when nothing has been heard for longer than its server would keep silent.

A proxy may hold a connection, and acknowledge what is sent on it, long after the server behind it went: TCP sees
nothing wrong, and whoever waits for an answer waits for ever.
"""

from typing import TypeVar

from psycopg import Connection, OperationalError
from psycopg.abc import PQGen

from appliance.kit import clock

_T = TypeVar("_T")
_LOOK = 0.1
"""Seconds between two looks for an interrupt while it waits; psycopg's own."""


class Answered(Connection[tuple[object, ...]]):
    """``patience``: seconds that any round trip may take; None: however long it takes.

    Whoever waited longer gets an ``OperationalError`` and the connection is closed: an answer that came after all must
    not be taken for the next statement's.
    """

    patience: float | None = None

    def wait(self, gen: PQGen[_T], interval: float = _LOOK, timeout: float | None = None) -> _T:
        """Every round trip of psycopg comes by here. One that has its own ``timeout`` knows what it waits for."""
        if timeout is not None or self.patience is None:
            return super().wait(gen, interval, timeout)
        late = clock.monotonic() + self.patience
        try:
            return super().wait(gen, interval, self.patience)
        except OperationalError as error:
            if self.closed or clock.monotonic() < late:
                raise
            self.pgconn.finish()
            raise OperationalError(f"PostgreSQL has not answered for {self.patience:g} s") from error
