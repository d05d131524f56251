"""PostgreSQL sessions. One transaction serves one tenant; row-level security holds even where a filter is forgotten.

``Database.session(tenant=…)`` opens a transaction, sets ``app.tenant_id`` by a bound ``set_config(…, true)`` (so it
ends with the transaction) and commits when the block ends well. With no tenant set, the policies of
``migrations/policies.py`` show zero rows of every tenant table.
"""

import select
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal
from uuid import UUID

from psycopg import Connection
from sqlalchemy import URL, Engine, MetaData, create_engine, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import DeclarativeBase, Session

from appliance.kit.answered import Answered
from appliance.kit.settings import Settings

Login = Literal["owner", "app", "operator", "system"]

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


_GONE = {"tcp_user_timeout": 20_000, "keepalives_idle": 20, "keepalives_interval": 5, "keepalives_count": 3}
"""By when a server that does not even acknowledge counts as gone: left alone, Linux waits for a quarter of an hour."""
LATE = 5.0
"""Seconds after it should itself have ended a statement by which a server that answers nothing counts as gone."""


class Base(DeclarativeBase):
    """The one metadata; names of constraints follow a convention so that migrations can name them."""

    metadata = MetaData(naming_convention=NAMING)


def address(settings: Settings, login: Login) -> URL:
    """Where and as whom to connect. The password is read from ``secrets/postgres-<login>``."""
    layout = settings.layout
    host = settings.database.host
    if not host:
        host = (layout.run / "postgres.host").read_text().strip()
    return URL.create(
        "postgresql+psycopg",
        username=f"appliance_{login}",
        password=layout.secret(f"postgres-{login}").read_text().strip(),
        port=settings.database.port,
        database=settings.database.name,
        query={"host": host},
    )


class Database:
    """A pool of connections of one login. ``timeouts``: of a statement and of a wait for a lock, ms; 0: none."""

    def __init__(self, url: URL | str, *, pool_size: int = 8, timeouts: tuple[int, int] = (30_000, 5_000)) -> None:
        statement, lock = timeouts
        patience = statement / 1000 + LATE if statement else None

        def connect(_dialect: object, _record: object, given: Sequence[Any], named: dict[str, Any]) -> Answered:
            made = Answered.connect(*given, **named)
            made.patience = patience
            return made

        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=10,
            hide_parameters=True,  # an error's text goes to the log, and what was bound may be a document or a hash
            connect_args={
                "options": f"-c statement_timeout={statement} -c lock_timeout={lock} -c timezone=UTC",
                "connect_timeout": 5,
                **_GONE,
            },
        )
        event.listen(self.engine, "do_connect", connect)
        event.listen(self.engine, "checkout", _still_there)

    @classmethod
    def of(cls, settings: Settings, login: Login, *, longest_ms: int | None = None) -> "Database":
        """The pool that the settings describe; ``longest_ms``: its statements are short, so end longer ones."""
        database = settings.database
        statement = database.statement_timeout_ms
        if longest_ms is not None:
            statement = min(statement or longest_ms, longest_ms)
        timeouts = (statement, database.lock_timeout_ms)
        return cls(address(settings, login), pool_size=database.pool_size, timeouts=timeouts)

    @contextmanager
    def session(self, tenant: UUID | None = None) -> Iterator[Session]:
        """One transaction for one tenant (None: for nobody; tenant tables look empty to the app login)."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            scope(session, tenant)
            yield session

    def close(self) -> None:
        """Close the pool's connections."""
        self.engine.dispose()


def _still_there(connection: Connection[Any], *_: object) -> None:
    """Nothing is ever to be read on an idle connection but its end. A ping would cost each request a round trip."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN | select.POLLRDHUP)
    if waiting.poll(0):
        raise InvalidatePoolError  # the pool then drops all that are as old, and makes a new one


def scope(session: Session, tenant: UUID | None) -> None:
    """Set whose rows this transaction sees."""
    given = (str(tenant) if tenant else "",)
    session.connection().exec_driver_sql("select set_config('app.tenant_id', %s, true)", given)
