"""What the audit record costs: `make bench-audit`.

Entries a second with eight writing processes, each entry a transaction of its own on the app login, while a sequencer
chains behind them; the other is the same without a sequencer. How long the chain took to catch up after the last write;
entries a second of a proof over the whole chain. On a PostgreSQL of its own, removed after.
"""

import argparse
import multiprocessing
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from sqlalchemy import URL

from appliance.audit.chain import Signer
from appliance.audit.reading import Reading
from appliance.audit.sequencer import Sequencer
from appliance.drivers.postgres import PORT, Postgres
from appliance.entry import migrating, schema
from appliance.kit.database import Database, Login
from appliance.kit.layout import Layout
from appliance.kit.settings import AuditSettings
from appliance.tenants.service import Tenants
from bench.audit.writing import write
from bench.report import Figure, orderly, tell

WRITERS = 8
LIMIT = 5.0
"""Seconds that the chain may be behind (issue 3)."""


@contextmanager
def server(place: Path) -> Iterator[dict[Login, URL]]:
    """A PostgreSQL as the appliance runs it, migrated; the addresses of its logins."""
    layout = Layout(place)
    layout.make()
    postgres = Postgres(layout)
    with postgres.start() as child:
        postgres.wait(child, 60)
        passwords: dict[Login, str] = {login: secrets.token_urlsafe(16) for login in schema.LOGINS}
        host = {"host": postgres.host()}

        def url(user: str, password: str) -> URL:
            return URL.create("postgresql+psycopg", user, password, port=PORT, database="bench", query=host)

        superuser = url("postgres", layout.secret("postgres-superuser").read_text().strip())
        schema.create_roles(superuser.set(database="postgres"), passwords, "bench")
        urls = {login: url(f"appliance_{login}", password) for login, password in passwords.items()}
        migrating.upgrade(urls["owner"])
        yield urls


def writers(url: URL, tenant: UUID, seconds: float) -> float:
    """Entries a second of all writers together."""
    context = multiprocessing.get_context("spawn")
    written: multiprocessing.Queue[int] = context.Queue()
    processes = [context.Process(target=write, args=(url, tenant, seconds, written)) for _ in range(WRITERS)]
    for process in processes:
        process.start()
    total = sum(written.get() for _ in processes)
    for process in processes:
        process.join()
    return total / seconds


def measure(seconds: float) -> Iterator[Figure]:
    """All of it."""
    with tempfile.TemporaryDirectory(prefix="bench-audit-") as place, server(Path(place)) as urls:
        operator, system = Database(urls["operator"]), Database(urls["system"])
        with operator.session() as session:
            tenant = Tenants(session).create("bench").id
        sequencer = Sequencer(system, Signer("a secret of a bench"), AuditSettings())
        alone = writers(urls["app"], tenant, seconds)
        sequencer.head()
        stop = threading.Event()

        def follow() -> None:
            while not stop.wait(sequencer.settings.sequence_seconds):
                sequencer.once()

        thread = threading.Thread(target=follow)
        thread.start()
        followed = writers(urls["app"], tenant, seconds)
        stop.set()
        thread.join()
        begun = time.monotonic()
        sequencer.head()
        caught_up = time.monotonic() - begun
        yield Figure(f"entries, {WRITERS} writers, sequencer on", followed, alone, "1/s, off")
        yield Figure("the chain caught up after the last write in", caught_up, LIMIT, "s, limit")
        begun = time.monotonic()
        verdict = Reading(operator).verify()
        if verdict.broken:
            raise SystemExit(f"the chain is broken: {verdict.broken}")
        yield Figure(f"verified, of {verdict.last}", verdict.last / (time.monotonic() - begun), None, "1/s")
        for database in (operator, system):
            database.close()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench-audit")
    parser.add_argument("--json", action="store_true", help="one JSON document and nothing else")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long the writers write, each time")
    given = parser.parse_args()
    orderly()
    return tell(list(measure(given.seconds)), document=given.json, digits=1)


if __name__ == "__main__":
    sys.exit(main())
