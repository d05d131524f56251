"""Questions to PostgreSQL that are asked together: one round trip for all of them, in a transaction of their own.

A session's transaction costs a round trip for each of ``begin``, ``set_config``, every statement and ``commit``. On a
busy machine each of them waits for its turn. Here they are sent as one pipeline, whose end is the transaction's: what
lies between two Syncs is one transaction (PostgreSQL, "Pipelining"), and ``set_config(…, true)`` ends with it.

For reading on hot paths. What is kept together with other work stays in a session.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, cast
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement

from appliance.kit.database import Database

_DIALECT: Final = URL.create("postgresql+psycopg").get_dialect()()
_SCOPE: Final = "select set_config('app.tenant_id', %s, true)"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its values."""

    text: str
    given: Mapping[str, object]


class Question:
    """A statement in the driver's SQL, made once. Its values are bound by name, and none is a list for ``in``."""

    def __init__(self, statement: ClauseElement) -> None:
        made = statement.compile(dialect=_DIALECT)
        self._text, self._fixed = str(made), made.params

    def of(self, **given: object) -> Asked:
        """With these values."""
        return Asked(self._text, {**self._fixed, **given})


def ask(database: Database, tenant: UUID, *asked: Asked) -> list[Sequence[Any]]:
    """The rows of each question, as named tuples; row-level security shows those of one tenant.

    Raises SQLAlchemy's errors, as a session does. A connection that had one is not used again.
    """
    with _alone(database) as connection:
        with connection.pipeline():
            connection.execute(_SCOPE, (str(tenant),), prepare=True)
            cursors = [
                connection.cursor(row_factory=namedtuple_row).execute(one.text, one.given, prepare=True)
                for one in asked
            ]
        return [cursor.fetchall() for cursor in cursors]


@contextmanager
def _alone(database: Database) -> Iterator["psycopg.Connection[Any]"]:
    """A connection of the pool on which each Sync ends a transaction."""
    pooled = database.engine.raw_connection()
    connection = cast("psycopg.Connection[Any]", pooled.driver_connection)
    try:
        connection.autocommit = True
        yield connection
        connection.autocommit = False
    except BaseException as error:
        pooled.invalidate(error)
        if isinstance(error, psycopg.Error):
            raise DBAPIError.instance(None, None, error, psycopg.Error, hide_parameters=True) from error
        raise
    finally:
        pooled.close()
