"""The index process of the embedded profile: owns no shard itself, and sees to it that one shard process is live.

    live: pause → a new one copies → live: resume → it optimises, catches up → live: pause → manifest → it takes over

Building graphs holds a process's GIL for seconds to minutes, so the live process never does it. When enough points have
changed, a new process copies the shard, builds, applies the outbox since the copy and takes the socket by rename; the
old one finishes its requests and ends. Whatever is killed on the way, the manifest names a generation whose mark the
outbox still covers.
"""

import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from appliance.entry.index_generations import AWAY, UNREADABLE, Generations
from appliance.kit import clock, log, settings
from appliance.kit.children import Child, Log, spawn
from appliance.kit.priority import BEHIND, yield_to_others
from appliance.kit.wire import Client, WireDown, WireRefused

POLL_SECONDS = 0.5
STOP_GRACE = 20.0
GROWTH = 0.1
"""Share of all points that must have changed. A point without a graph costs a search .4 µs, a build 9 s at 40,000."""
GIVE_UP_AFTER = 3
"""Failed openings of a generation after which it is taken for damaged."""

_logger = log.get(__name__)


class ShardEnded(Exception):
    """A shard process ended before its time; ``code`` is its exit code."""

    def __init__(self, name: str, code: int) -> None:
        super().__init__(f"{name} ended with {code}")
        self.code = code


class Stopping(Exception):
    """The host was asked to end while it waited."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A running shard process, and the line on which it takes orders."""

    name: str
    child: Child
    line: Client

    def ask(self, order: str, *, timeout: float = 60.0, **fields: object) -> Any:  # noqa: ANN401 - as received
        """Give an order; ShardEnded when the process is no more."""
        try:
            return self.line.call(order, timeout=timeout, **fields)
        except WireDown as error:
            self.must_run()
            raise error from None

    def must_run(self) -> None:
        """ShardEnded unless the process runs."""
        code = self.child.poll()
        if code is not None:
            raise ShardEnded(self.name, code)

    def end(self) -> None:
        """Kill it with all its threads, at once."""
        self.child.kill()
        self.line.close()


class Host:
    """Keeps one shard live. ``on_step`` hears each step of a hand-over, for the tests that kill at each."""

    def __init__(
        self,
        configuration: settings.Settings,
        on_step: Callable[[str, "Host"], None] | None = None,
        *,
        retry_seconds: float = 60.0,
    ) -> None:
        self._settings = configuration
        self._retry_seconds = retry_seconds
        self._layout = configuration.layout
        self._on_step = on_step
        self._stop = threading.Event()
        self._failures = 0
        self._not_before = 0.0
        self.generations = Generations(self._layout.index)
        self.live: Shard | None = None
        self.coming: Shard | None = None

    def run(self) -> None:
        """Until :meth:`stop`."""
        try:
            while not self._stop.wait(POLL_SECONDS if self.live else 0):
                self._layout.beat("index").touch()
                self._turn()
        except Stopping:
            _logger.info("asked to end")
        if self.coming:
            self.coming.end()
        if self.live:
            self.live.child.stop(STOP_GRACE)

    def stop(self) -> None:
        """End soon; to be called from a signal handler."""
        self._stop.set()

    def _turn(self) -> None:
        try:
            if self.live is None:
                self._begin()
            elif self._due(self.live):
                self._hand_over(self.live)
        except (ShardEnded, WireDown, WireRefused) as error:
            _logger.warning("a shard process failed", reason=str(error))
            self._after_failure()

    def _after_failure(self) -> None:
        """Keep the live shard if it is well and still the current one; else begin anew from the manifest."""
        self._not_before = clock.monotonic() + self._retry_seconds
        if self.coming:
            self.coming.end()
            self.coming = None
        live = self.live
        if live and live.child.poll() is None and self.generations.live() == live.name:
            live.ask("resume")
            self.generations.clear(keep=live.name)
            return
        if live:
            live.end()
            self.live = None
        self._stop.wait(min(2.0**self._failures, 30.0) / 4)

    def _begin(self) -> None:
        """Make the current generation live; rebuild it when it cannot be opened."""
        name = self.generations.live()
        self.generations.clear(keep=name)
        self._clear_sockets()
        if name is None or self._failures >= GIVE_UP_AFTER:
            self._rebuild()
            return
        self.coming = self._spawn(name)
        try:
            self._until(self.coming, {"ready"})
        except ShardEnded as error:
            if error.code != AWAY:
                self._failures = GIVE_UP_AFTER if error.code == UNREADABLE else self._failures + 1
            raise
        self._take(self.coming, None)

    def _rebuild(self) -> None:
        self.coming = self._spawn(self.generations.following(), "--rebuild")
        self._until(self.coming, {"ready"})
        self.generations.switch(self.coming.name)
        self._take(self.coming, None)

    def _due(self, live: Shard) -> bool:
        live.must_run()
        status = live.ask("status")
        if clock.monotonic() < self._not_before:
            return False
        enough = max(self._settings.index.optimise_after, int(status["points"] * GROWTH))
        return bool(status["rebuild_wanted"] or status["compact_wanted"] or status["changes"] >= enough)

    def _hand_over(self, old: Shard) -> None:
        """From the live shard to a new one. On any failure before the manifest changes, the old one goes on."""
        rebuild = old.ask("status")["rebuild_wanted"]
        seq = old.ask("pause")
        self._step("paused")
        name, how = self.generations.following(), ("--rebuild",) if rebuild else ("--copy", old.name)
        self.coming = self._spawn(name, *how, "--beside", str(seq))
        self._step("spawned")
        if not rebuild:
            self._until(self.coming, {"copied", "ready"})
        old.ask("resume")
        self._step("copied")
        self._until(self.coming, {"ready"})
        self._step("ready")
        seq = old.ask("pause")
        self.generations.switch(name)
        self._step("switched")
        self._take(self.coming, seq)
        self._step("taken")
        old.ask("finish")
        old.child.wait(STOP_GRACE)
        old.line.close()
        self.generations.clear(keep=name)
        self._step("finished")

    def _take(self, shard: Shard, seq: int | None) -> None:
        shard.ask("take", seq=seq)
        self.live, self.coming = shard, None
        self._failures = 0
        if seq is None:
            self.generations.clear(keep=shard.name)
        _logger.info("live", generation=shard.name)

    def _until(self, shard: Shard, states: set[str]) -> None:
        """Wait for a state, as long as both shards run. A process that optimises does not answer meanwhile."""
        while True:
            if self._stop.wait(0.02):
                raise Stopping
            self._layout.beat("index").touch()
            for each in (self.live, shard):
                if each:
                    each.must_run()
            try:
                if shard.line.call("status", timeout=1.0)["state"] in states:
                    return
            except WireDown:
                continue

    def _spawn(self, name: str, *how: str) -> Shard:
        module = "appliance.entry.index_shard"
        self.generations.make(name)
        child = spawn(
            [sys.executable, "-m", module, "--generation", name, *how],
            name=f"index-{name[-6:]}",
            log=Log(self._layout.log("index-shard")),
            grace=STOP_GRACE,
        )
        if "--beside" in how:  # from its first line: it imports for a second before it could say so itself
            yield_to_others(BEHIND, child.pid)
        return Shard(name, child, Client(self._layout.run / f"index-{name[-6:]}.sock"))

    def _clear_sockets(self) -> None:
        for pattern in ("index-*.sock*", "index.sock.*"):
            for path in self._layout.run.glob(pattern):
                path.unlink(missing_ok=True)

    def _step(self, name: str) -> None:
        if self._on_step:
            self._on_step(name, self)


def main(_: Sequence[str] | None = None) -> int:
    """Run until told to end. Standard error is the log."""
    configuration = settings.load()
    log.configure("index", configuration.log_level)
    configuration.layout.make()
    host = Host(configuration)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: host.stop())
    host.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
