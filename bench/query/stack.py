"""A real PostgreSQL, a real index process and a real encoder in a directory of their own, for measuring."""

import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import URL

from appliance.access.web import Databases
from appliance.drivers.postgres import PORT, Postgres
from appliance.entry import migrating, schema, up_plan
from appliance.kit.children import Limits, Log, spawn
from appliance.kit.database import Database, address
from appliance.kit.layout import Layout
from appliance.kit.priority import PROMPT, slice_of
from appliance.kit.settings import Settings
from appliance.kit.wire import Client, WireDown


@contextmanager
def stack(store: Path | None, fill: Callable[[Settings], None] | None = None) -> Iterator[Settings]:
    """Settings of a running appliance without web and worker. ``store``: a model store, None for no encoder.

    ``fill`` is called when PostgreSQL runs and nothing else does.
    """
    with TemporaryDirectory(prefix="bench-") as directory, ExitStack() as undo:
        layout = Layout(Path(directory) / "data")
        layout.make()
        settings = Settings(data=layout.data, models=store)
        _postgres(layout, settings, undo)
        if fill:
            fill(settings)
        environment = {**os.environ, "APPLIANCE_DATA": str(layout.data), "APPLIANCE_MODELS": str(settings.model_store)}
        wanted = {"index", "encoder"} if store else {"index"}
        for part in (part for part in up_plan.parts(engines=False) if part.name in wanted):
            argv = [sys.executable, "-m", part.module]
            limits, log = Limits(nice=part.nice), Log(layout.log(part.name))
            child = spawn(argv, name=part.name, env=environment, log=log, limits=limits, grace=20)
            if part.prompt:
                slice_of(child.pid, PROMPT)
            undo.callback(child.stop, 20)
        yield settings


def until(what: str, holds: Callable[[], object], seconds: float = 600, pause: float = 0.1) -> None:
    """Wait until something holds, looking every ``pause`` seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(pause)


def status(line: Client) -> dict[str, object]:
    """What the live shard says of itself; empty while there is none."""
    try:
        said: dict[str, object] = line.call("status")
    except WireDown:
        return {}
    return said


def pools(settings: Settings) -> Databases:
    """Connections of the three logins."""
    return Databases(Database.of(settings, "app"), Database.of(settings, "operator"), Database.of(settings, "system"))


def _postgres(layout: Layout, settings: Settings, undo: ExitStack) -> None:
    server = Postgres(layout)
    child = server.start()
    slice_of(child.pid, PROMPT)
    undo.callback(child.stop, 30)
    server.wait(child, 60)
    (layout.run / "postgres.host").write_text(server.host())
    for login in schema.LOGINS:
        layout.secret(f"postgres-{login}").write_text(secrets.token_urlsafe(16))
    superuser = URL.create(
        "postgresql+psycopg",
        username="postgres",
        password=layout.secret("postgres-superuser").read_text(),
        port=PORT,
        database="postgres",
        query={"host": server.host()},
    )
    passwords = {login: layout.secret(f"postgres-{login}").read_text() for login in schema.LOGINS}
    schema.create_roles(superuser, passwords, settings.database.name)
    migrating.upgrade(address(settings, "owner"))
