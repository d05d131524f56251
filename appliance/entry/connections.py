"""How many connections to PostgreSQL the processes may open together, held against what the server allows.

A pool that finds the server full fails in the middle of a request; so the sum is checked before anything starts.
"""

from typing import Final

from sqlalchemy import text

from appliance.kit.database import Database
from appliance.kit.errors import Conflict
from appliance.kit.settings import Settings

SHARE: Final = 0.8
"""What the processes may take of ``max_connections``: the rest is for the superuser, backups and a look inside."""

WORKER_POOL: Final = 3
"""A worker process's connections a login: a handler's transaction, its progress, the heartbeat."""

_WEB_LOGINS: Final = 3
_WORKER_LOGINS: Final = 2
"""And two connections a job more, where it deletes or exports a tenant."""
_SHARDS: Final = 2
"""One that answers, and its successor during a hand-over."""


class TooManyConnections(Conflict):
    """The processes could open more connections than the database allows."""

    code = "too_many_connections"
    advice = "Lower APPLIANCE_DATABASE__POOL_SIZE or APPLIANCE_JOBS__CONCURRENCY, or raise max_connections."


def wanted(settings: Settings) -> dict[str, int]:
    """The most connections that each process may hold at once."""
    pool = settings.database.pool_size
    return {
        "web": _WEB_LOGINS * pool + 2,  # one listens, one drains
        "worker": _WORKER_LOGINS * WORKER_POOL * (1 + settings.jobs.concurrency) + 2 * settings.jobs.concurrency,
        "index": _SHARDS * (pool + 1),  # one listens
        "engines": pool + 1,  # one listens
    }


def check(settings: Settings, database: Database) -> None:
    """Raise :class:`TooManyConnections` when the sum is over the share."""
    with database.session() as session:
        allowed = int(session.execute(text("show max_connections")).scalar_one())
    each = wanted(settings)
    total = sum(each.values())
    if total > SHARE * allowed:
        parts = ", ".join(f"{name} {count}" for name, count in each.items())
        raise TooManyConnections(
            f"the processes may open {total} connections ({parts}), {SHARE:.0%} of the database's {allowed} are theirs"
        )
