"""The whole application behind a real HTTP server, with a town in it."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from sqlalchemy import Engine

from appliance.access.web import Databases
from appliance.entry.http import bounded
from appliance.kit.settings import Settings
from tests.integration.conformance.callers import Callers
from tests.integration.isolation.town import Town


@pytest.fixture
def callers(settings: Settings, databases: Databases, superuser: Engine, tmp_path: Path) -> Iterator[Callers]:
    """Everybody who may ask, and the address."""
    town = Town(settings, databases, superuser, tmp_path / "models")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(town.app, http=bounded(settings.web), log_config=None, timeout_graceful_shutdown=5)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.01)
            with Callers(town, f"http://127.0.0.1:{listener.getsockname()[1]}") as callers:
                yield callers
        finally:
            server.should_exit = True
            thread.join()
