"""The worker: one host process that sweeps, Celery below it that hears the bell, and its children that run the jobs.

    host     sweeps, chains the audit, watches, touches ``run/worker.ready``; it starts no thread, so it may fork
    └─ Celery    listens to the broker; touches neither the database nor a document
       └─ children   run one job at a time each; their pools are made after the fork

The host dies with Celery and Celery with the host (all are on the leash of ``up``). Told to stop (SIGTERM), the host
raises a flag that running jobs meet at their next poll: they go back into the queue with their attempt not counted.
"""

import logging
import mmap
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.context import ForkProcess
from pathlib import Path

from celery import signals

from appliance.audit.chain import Signer
from appliance.audit.sequencer import Sequencer
from appliance.audit.syslog import Syslog
from appliance.drivers.broker import CeleryBell, application
from appliance.entry import handlers
from appliance.entry.connections import WORKER_POOL
from appliance.jobs.pulse import Surroundings
from appliance.jobs.registry import Registry
from appliance.jobs.ringing import ring_after_commit
from appliance.jobs.runner import Runner
from appliance.jobs.sweep import Sweep
from appliance.jobs.tasks import bind
from appliance.kit import clock, crypto, log
from appliance.kit.database import Database, Login, address
from appliance.kit.priority import settle
from appliance.kit.settings import Settings, load
from appliance.knowledge import script

READY = "worker.ready"
"""In ``run/``: it is there once the worker hears the bell, and its time is that of the last sweep."""
_HEARD = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}

_logger = log.get(__name__)


class Flag:
    """A byte that forked processes share. No lock: a child killed while it looks must not hang the others."""

    def __init__(self) -> None:
        self._byte = mmap.mmap(-1, 1)

    def __bool__(self) -> bool:
        return self._byte[0] != 0

    def raise_(self) -> None:
        """From now on it is true, in every process."""
        self._byte[0] = 1


def database(settings: Settings, login: Login) -> Database:
    """A small pool: a worker has many processes."""
    timeouts = (settings.database.statement_timeout_ms, settings.database.lock_timeout_ms)
    return Database(address(settings, login), pool_size=WORKER_POOL, timeouts=timeouts)


@dataclass(slots=True)
class Child:
    """What a pool child makes once, after it was forked."""

    settings: Settings
    registry: Registry
    stopping: Flag
    runner: Runner | None = None
    stop_ringing: Callable[[], None] | None = None

    def get(self) -> Runner:
        """The runner of this process."""
        if self.runner is None:
            self.runner = self._make()
        return self.runner

    def _make(self) -> Runner:
        bell = CeleryBell(self.settings.broker_url)
        self.stop_ringing = ring_after_commit(bell)
        parent = os.getppid()
        return Runner(
            system=database(self.settings, "system"),
            app=database(self.settings, "app"),
            registry=self.registry,
            bell=bell,
            settings=self.settings.jobs,
            owner=f"{socket.gethostname()}:{os.getpid()}",
            around=Surroundings(stopping=self.stopping.__bool__, orphaned=lambda: os.getppid() != parent),
        )

    def close(self, **_: object) -> None:
        """Let go of what was made."""
        if self.runner is not None and self.stop_ringing is not None:
            self.stop_ringing()
            self.runner.system.close()
            self.runner.app.close()
            self.runner = None


def listen(settings: Settings, registry: Registry, stopping: Flag) -> None:
    """Be the Celery worker, until told to stop."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
    app = application(settings.broker_url)
    child = Child(settings, registry, stopping)
    bind(app, child.get)
    ready = settings.layout.run / READY

    def hears(**_: object) -> None:
        ready.write_text(f"{os.getppid()}\n")

    def ours(**_: object) -> None:
        """Somebody sets logging up, so Celery does not."""

    signals.worker_ready.connect(hears, weak=False)
    signals.worker_process_shutdown.connect(child.close, weak=False)
    signals.setup_logging.connect(ours, weak=False)
    logging.captureWarnings(capture=True)
    settle()  # as the host did, for what Celery brought
    app.Worker(
        concurrency=settings.jobs.concurrency,
        loglevel=settings.log_level,
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    ).start()


def sequencer_of(settings: Settings, system: Database) -> Sequencer:
    """Chains the audit record; tells the syslog server if the settings name one."""
    signer = Signer(crypto.kept(settings.layout.secret("audit-key")))
    if settings.audit.syslog:
        return Sequencer(system, signer, settings.audit, Syslog(settings.audit.syslog))
    return Sequencer(system, signer, settings.audit)


@dataclass(slots=True)
class Host:
    """The process that ``up`` starts."""

    settings: Settings
    registry: Registry
    chores: tuple[handlers.Chore, ...] = ()
    stopping: Flag = field(default_factory=Flag)

    def run(self) -> int:
        """Sweep until told to stop (0) or until Celery has died (1)."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
        self._ready.unlink(missing_ok=True)
        settle()  # or the collector would write into all that was inherited, and each process had a copy of its own
        celery = multiprocessing.get_context("fork").Process(
            target=listen, args=(self.settings, self.registry, self.stopping), name="celery"
        )
        celery.start()
        sweep = self._sweep()
        sequencer = sequencer_of(self.settings, sweep.system)
        due = 0.0
        while celery.is_alive():
            self._beat()
            self._sequence(sequencer)
            if clock.monotonic() >= due:
                due = clock.monotonic() + self._once(sweep)
            pause = min(self.settings.audit.sequence_seconds, max(0.0, due - clock.monotonic()))
            heard = signal.sigtimedwait(_HEARD, pause)
            if heard is not None and heard.si_signo != signal.SIGCHLD:
                return self._stop(celery)
        _logger.error("celery ended", exitcode=celery.exitcode)
        self._ready.unlink(missing_ok=True)
        return 1

    @property
    def _ready(self) -> Path:
        return self.settings.layout.run / READY

    def _beat(self) -> None:
        self.settings.layout.beat("worker").touch()

    def _sweep(self) -> Sweep:
        return Sweep(
            system=database(self.settings, "system"),
            app=database(self.settings, "app"),
            registry=self.registry,
            bell=CeleryBell(self.settings.broker_url),
            settings=self.settings.jobs,
        )

    def _once(self, sweep: Sweep) -> float:
        """Sweep, and tell after how many seconds to do it again."""
        try:
            sweep.once()
            for chore in self.chores:
                self._beat()
                with sweep.system.session() as session:
                    chore(session)
            if self._ready.exists():
                self._ready.touch()
            return sweep.pause()
        except Exception:  # the edge of this process: the database may be restarting, the next sweep tells
            _logger.warning("sweep failed", exc_info=True)
            return self.settings.jobs.sweep_seconds

    def _sequence(self, sequencer: Sequencer) -> None:
        try:
            sequencer.once()
        except Exception:  # the edge of this process, as below: what was not chained still waits
            _logger.warning("sequencing the audit failed", exc_info=True)

    def _stop(self, celery: ForkProcess) -> int:
        self.stopping.raise_()
        self._ready.unlink(missing_ok=True)
        celery.terminate()
        celery.join()
        return 0


def main() -> None:
    """The process ``worker``."""
    settings = load()
    log.configure("worker", settings.log_level)
    script.tables()  # here, so that all children share them
    sys.exit(Host(settings, handlers.registry(), handlers.chores(settings)).run())


if __name__ == "__main__":
    main()
