"""One writer of the bench, in a module of its own: a spawned process cannot import a package's ``__main__``."""

import multiprocessing
import time
from uuid import UUID

from sqlalchemy import URL

from appliance.audit.service import Audit
from appliance.kit.database import Database


def write(url: URL, tenant: UUID, seconds: float, written: "multiprocessing.Queue[int]") -> None:
    """One writer: entries, each committed, for so long."""
    database = Database(url, pool_size=1)
    count, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        with database.session(tenant) as session:
            Audit(session, tenant, tenant).record("bench.write", count, count=count)
        count += 1
    database.close()
    written.put(count)
