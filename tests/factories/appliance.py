"""A whole appliance under test: started as a person starts it, looked at through API, records and database."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg

from appliance.entry import up_record
from appliance.entry.up_record import NotRunning, Record
from appliance.kit.layout import Layout
from appliance.kit.leash import family
from appliance.kit.leftovers import started
from tests.factories.processes import uncounted

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(sys.executable).with_name("appliance")
MODELS = Path(os.environ.get("APPLIANCE_MODELS", ROOT / ".cache" / "models"))
CONTROL_PLANE = ("postgres", "valkey", "schema", "index", "web", "worker")
USABLE = ("ready", "done")


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """Poll until it holds; how long that took."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() < begun + seconds, f"after {seconds} s not yet: {what}"
        time.sleep(0.05)
    return time.monotonic() - begun


@dataclass(slots=True)
class Appliance:
    """One data directory, and the ``up`` that runs on it, if one does."""

    data: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    up: subprocess.Popen[bytes] | None = None

    @property
    def layout(self) -> Layout:
        """Where its files are."""
        return Layout(self.data)

    @property
    def output(self) -> Path:
        """What ``up`` printed."""
        return self.data.with_name(f"{self.data.name}.out")

    def environment(self) -> dict[str, str]:
        """What every command for it gets."""
        return {**uncounted(), "APPLIANCE_MODELS": str(MODELS), **self.settings, "APPLIANCE_DATA": str(self.data)}

    def start(self) -> None:
        """Start ``up``; does not wait."""
        with self.output.open("wb") as output:
            self.up = subprocess.Popen(
                [PROGRAM, "up", "--data", self.data, "--port", str(self.port)],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.environment(),
                start_new_session=True,
            )

    def run(self, *arguments: str, seconds: float = 300) -> subprocess.CompletedProcess[str]:
        """One command of the command line, to its end."""
        command = [str(PROGRAM), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, env=self.environment(), check=False, timeout=seconds
        )

    def wait_ready(self, *names: str, seconds: float = 120) -> float:
        """Wait until these parts (none: all) are ready; how long that took."""

        def ready() -> bool:
            if self.up is not None and self.up.poll() is not None:
                raise AssertionError(f"up ended with {self.up.returncode}:\n{self.output.read_text()}")
            with suppress(NotRunning):
                parts = self.record().parts
                return all(parts[name].state in USABLE for name in names or parts)
            return False

        return wait(ready, seconds, f"{names or 'all'} ready\n{self.output.read_text()}")

    def record(self) -> Record:
        """What ``run/up.json`` tells."""
        return up_record.read(self.layout)

    def pid(self, part: str) -> int:
        """The process of a part that runs."""
        pid = self.record().parts[part].pid
        assert pid is not None, part
        return pid

    def everyone(self) -> list[int]:
        """``up`` and all of its descendants."""
        assert self.up is not None
        return [self.up.pid, *family(self.up.pid)]

    def kill(self, part: str) -> int:
        """``kill -9`` of a part's process; its id."""
        pid = self.pid(part)
        os.kill(pid, signal.SIGKILL)
        return pid

    def restarted(self, part: str, former: int, seconds: float = 60) -> float:
        """Wait until another process of this part is ready; how long that took."""

        def again() -> bool:
            now = self.record().parts[part]
            return now.state == "ready" and now.pid not in (None, former)

        return wait(again, seconds, f"{part} ready again")

    def runs(self) -> bool:
        """Whether ``up`` runs."""
        return self.up is not None and self.up.poll() is None

    def stop(self, number: int = signal.SIGINT, seconds: float = 90) -> int:
        """Stop ``up`` with a signal; its exit code. Does nothing when it does not run."""
        if self.up is None:
            return 0
        with suppress(ProcessLookupError):
            self.up.send_signal(number)
        code = self.up.wait(seconds)
        self.up = None
        return code

    def key(self) -> str:
        """The key of the command line on this machine."""
        return str(json.loads(self.layout.secret("cli.json").read_text())["key"])

    def api(self, key: str | None = None) -> httpx.Client:
        """A client of its API."""
        bearer = {"Authorization": f"Bearer {key or self.key()}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=bearer, timeout=60)

    def database(self) -> psycopg.Connection[tuple[object, ...]]:
        """A connection that sees every tenant's rows."""
        return psycopg.connect(
            host=(self.layout.run / "postgres.host").read_text(),
            user="postgres",
            password=self.layout.secret("postgres-superuser").read_text(),
            dbname="appliance",
            autocommit=True,
        )

    def value(self, query: str, *arguments: object) -> object:
        """The one value that a query of the database finds, None for no row."""
        with self.database() as connection:
            row = connection.execute(query.encode(), arguments).fetchone()
            return row[0] if row else None


def gone(pids: list[int], seconds: float = 10) -> float:
    """Wait until none of these processes runs; how long that took."""
    return wait(lambda: all(started(pid) is None for pid in pids), seconds, f"{pids} gone")
