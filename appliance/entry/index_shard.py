"""The process that holds one generation of the index: opens it, keeps it up with the outbox and answers searches.

    starting → copied → ready → live → ending

Everything that holds the GIL for long (load, optimise, flush, close) happens before it is live or after it has let go
of the socket, so no search waits for it. Hence a live shard never flushes: its durable mark is the one that it had when
it went live, the outbox keeps the rows since, and after a crash they are applied again. The host makes a new generation
before they become many.
"""

import os
import secrets
import shutil
import signal
import sys
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy.exc import DBAPIError

from appliance.drivers.vectors import remote
from appliance.drivers.vectors.edge import EdgeVectors
from appliance.drivers.vectors.errors import ShardUnreadable
from appliance.entry.index_generations import AWAY, UNREADABLE, Generations, Identity, sync
from appliance.kit import clock, log, settings
from appliance.kit.database import Database
from appliance.kit.priority import BEHIND, LAST, settle, yield_to_others
from appliance.kit.wire import Handler, Server
from appliance.knowledge import connect, marks
from appliance.knowledge.projection import Projection
from appliance.knowledge.projector import NotifyBell, Projector
from appliance.knowledge.reconcile import Behind, Reconciler

LOCK_SECONDS = 15.0
VERIFY_SECONDS = 30.0

_logger = log.get(__name__)


class ShardProcess:
    """One generation, from opening to letting go. ``beside`` is the live shard's position when there is another."""

    def __init__(self, configuration: settings.Settings, name: str, beside: int | None) -> None:
        self.name = name
        self.beside = beside
        self.state = "starting"
        if beside is not None:
            yield_to_others(BEHIND)
        self.rebuild_wanted = self.compact_wanted = False
        self.ended = threading.Event()
        self.generations = Generations(configuration.layout.index)
        self._settings = configuration
        self._encoder = connect.encoder_name(configuration)
        self._database = Database.of(configuration, "system")
        self._lock = self.generations.lock(name, LOCK_SECONDS)
        self._control = Server(configuration.layout.run / f"index-{name[-6:]}.sock", self._orders())
        self._control.start()

    def open(self) -> None:
        """Open the current generation and apply what came since its mark. ShardUnreadable when it must be rebuilt."""
        identity = self.generations.identity(self.name)
        with self._database.session() as session:
            mark = marks.read(session, identity.token)
        if mark is None or mark < identity.seq:
            raise ShardUnreadable(f"{self.name}: the database is of another history")
        if self._encoder not in (None, identity.encoder):
            raise ShardUnreadable(f"{self.name} holds vectors of {identity.encoder}, questions are {self._encoder}'s")
        self._encoder = identity.encoder
        self._hold(identity.token, EdgeVectors.load(self.generations.shard(self.name), self._dimensions), mark)
        self._projector.points = identity.changes
        self._catch_up(mark)

    def copy(self, source: str) -> None:
        """Copy a shard that nobody writes to meanwhile, build its graphs, apply what came since."""
        shutil.copytree(self.generations.shard(source), self.generations.shard(self.name))
        self._encoder = self.generations.identity(source).encoder
        self.state = "copied"
        yield_to_others(LAST)  # not before: the live shard applies nothing until it is copied
        vectors = EdgeVectors.load(self.generations.shard(self.name), self._dimensions)
        self._optimise(vectors)
        self._hold(secrets.token_hex(8), vectors, self.beside or 0)
        self._catch_up(self.beside or 0)

    def rebuild(self) -> None:
        """Make the index again from the chunks in PostgreSQL."""
        shutil.rmtree(self.generations.shard(self.name), ignore_errors=True)
        vectors = EdgeVectors.create(self.generations.shard(self.name), self._dimensions)
        for done in Projection(self._database, vectors, self._encoder).rebuild():
            _logger.debug("rebuilding", chunks=done)
        self._optimise(vectors)
        self._hold(secrets.token_hex(8), vectors, 0)
        self._catch_up(self.beside or 0)

    def take(self, seq: int | None) -> None:
        """Become the one that answers. ``seq`` is the row at which the predecessor stopped."""
        yield_to_others(0)
        if seq is not None:
            self._projector.catch_up(seq)
            self._projector.position = seq  # what lies behind was applied without its flips
            self._make_durable(seq)
        with self._database.session() as session:
            marks.keep_only(session, self._token)
            marks.prune(session)
        settle()
        self._server.start()
        self._projector.start()
        self.state = "live"
        _logger.info("live", generation=self.name, position=self._projector.position)

    def close(self, *, superseded: bool) -> None:
        """Finish the requests in progress and let go; with nobody to take over, leave all durable."""
        was, self.state = self.state, "ending"
        if was == "live":
            seq = self._projector.stop()
            self._server.close()
            if not superseded:
                self._make_durable(seq)
        self._control.close(0.5)
        self._database.close()
        self._lock.close()

    @property
    def _dimensions(self) -> int:
        return self._settings.index.dimensions

    def _hold(self, token: str, vectors: EdgeVectors, position: int) -> None:
        projection, bell = Projection(self._database, vectors, self._encoder), NotifyBell(self._database)
        self._token, self._vectors = token, vectors
        self._projector = Projector(projection, bell, position=position, poll=self._settings.index.poll_seconds)
        self._server = Server(self._settings.layout.index_socket, {**remote.handlers(vectors), **self._answers()})

    def _catch_up(self, durable: int) -> None:
        """Beside a live shard the mark stays at that shard's position: its flips go no further than that."""
        self._projector.catch_up(flips=self.beside is None)
        self._make_durable(self._projector.position if self.beside is None else durable)
        self.state = "ready"

    def _optimise(self, vectors: EdgeVectors) -> None:
        """In a thread of low priority: threads that it starts inherit that, those that answer searches do not."""

        def work() -> None:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LAST)
            vectors.optimise()

        started = clock.monotonic()
        thread = threading.Thread(target=work, name="optimise")
        thread.start()
        thread.join()
        _logger.info("optimised", generation=self.name, seconds=round(clock.monotonic() - started, 1))

    def _make_durable(self, seq: int) -> None:
        self._vectors.flush()
        sync(self.generations.shard(self.name))
        with self._database.session() as session:  # before the file: a mark below the file's means a restored database
            marks.write(session, self._token, seq, {"generation": self.name})
        identity = Identity(self._token, self._dimensions, seq, self._projector.points, encoder=self._encoder)
        self.generations.identify(self.name, identity)

    def _orders(self) -> dict[str, Handler]:
        """What the host may ask."""

        def finish(_: dict[str, Any]) -> None:
            self.ended.set()

        return {
            "status": lambda _: self._status(),
            "pause": lambda _: self._projector.pause(),
            "resume": lambda _: self._projector.resume(),
            "take": lambda request: self.take(request["seq"]),
            "finish": finish,
        }

    def _answers(self) -> dict[str, Handler]:
        """What everyone may ask, beside searches."""
        return {
            "status": lambda _: self._status(),
            "verify": lambda request: self._verify(repair=request["repair"]),
            "compact": lambda _: self._compact(),
        }

    def _compact(self) -> None:
        """Ask the host for a successor, which holds nothing of what was deleted here."""
        self.compact_wanted = True

    def _status(self) -> dict[str, object]:
        if self.state in {"starting", "copied"}:
            return {"generation": self.name, "state": self.state}
        return {
            "generation": self.name,
            "state": self.state,
            "position": self._projector.position,
            "changes": self._projector.points,
            "points": self._vectors.count(),
            "trouble": self._projector.trouble,
            "rebuild_wanted": self.rebuild_wanted,
            "compact_wanted": self.compact_wanted,
        }

    def _verify(self, *, repair: bool) -> dict[str, object]:
        """Compare with PostgreSQL while nothing is written; mend what differs when asked to."""
        reconciler, deadline = Reconciler(self._database, self._vectors), clock.monotonic() + VERIFY_SECONDS
        while True:
            position = self._projector.pause()
            try:
                report = reconciler.compare(position)
                break
            except Behind:
                if clock.monotonic() > deadline:
                    return {"agrees": None, "behind": True}
            finally:
                self._projector.resume()
            threading.Event().wait(0.05)
        if repair:
            self.rebuild_wanted = report.strays != 0
            reconciler.repair(report)
        return report.summary()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until told to end. Standard error is the log."""
    asked = _parse(arguments)
    configuration = settings.load()
    log.configure("index-shard", configuration.log_level)
    sys.setswitchinterval(0.001)  # a search waits for the projector's Python no longer than this
    process = ShardProcess(configuration, asked.generation, asked.beside)
    terminated = threading.Event()

    def terminate(*_: object) -> None:
        terminated.set()
        process.ended.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, terminate)
    try:
        _prepare(process, asked)
    except ShardUnreadable as error:
        _logger.warning("the index must be rebuilt", generation=asked.generation, reason=error.detail)
        return UNREADABLE
    except DBAPIError as error:
        _logger.warning("PostgreSQL does not answer", reason=str(error))
        return AWAY
    process.ended.wait()
    process.close(superseded=not terminated.is_set())
    return 0


def _prepare(process: ShardProcess, asked: Namespace) -> None:
    if asked.copy:
        process.copy(asked.copy)
    elif asked.rebuild:
        process.rebuild()
    else:
        process.open()


def _parse(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="appliance.entry.index_shard")
    parser.add_argument("--generation", required=True)
    parser.add_argument("--beside", type=int, default=None, help="the live shard's position")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--copy", default="", help="the generation to copy")
    how.add_argument("--rebuild", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
