"""What the gateway costs, beside a bare pass-through and LiteLLM: `make bench-gateway`.

Five rounds, and in each every server in turn, so that a machine which grows slower is slower for all. A figure is the
median of its rounds. ``direct`` is the engine itself; an *added* time is what a server adds to it. Ours has its key,
tenant, quotas (of tenant, user and key, with every limit of requests), turns, metering and audit on. With ``--engine``
(`make bench-gateway-engine`): before the real vLLM, see :mod:`bench.gateway.real`.

What metering and audit cost is a tenth at most, and rounds of one server differ by a fifth where others share the
machine. So that is measured for itself: pairs, one with and one without, side by side, in an order by chance. The
median of their ratios is judged; its interval says whether there were enough of them (:mod:`bench.gateway.pairs`).
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.gateway import pairs, real
from bench.gateway.load import Streams, Whole, streams, whole
from bench.gateway.servers import DRAINED, Server, all_of_them
from bench.report import Figure, least, most, orderly, tell

CONNECTIONS = (1, 10, 50)
STREAMS = 100
ROUNDS = 5
PAIRS = 40
PAIRED = 1.0
"""Seconds of each run of a pair: short ones, so that the machine's changes of speed fall between pairs."""
METERED = 0.9


@dataclass(slots=True)
class Seen:
    """What the rounds saw."""

    whole: dict[tuple[str, int], list[Whole]]
    streams: dict[str, list[Streams]]
    processor: dict[tuple[str, int], list[float]]
    beside: dict[tuple[str, int], list[float]]
    pairs: dict[int, list[tuple[float, float]]]
    """Requests a second of ours, with metering and audit and without."""

    def metering(self, connections: int) -> Iterator[Figure]:
        """What is left of the requests a second, and between which bounds."""
        found = pairs.ratio(self.pairs[connections])
        name = f"metering and audit on / off, c = {connections}, median of {len(self.pairs[connections])} pairs"
        yield Figure(name, found.median, None, "", f">= {METERED}", found.median >= METERED)
        for end, value in (("low", found.low), ("high", found.high)):
            yield Figure(f"the same, {end} end of its {pairs.SURE:.0%} interval", value, None, found.settled(METERED))

    def rps(self, name: str, connections: int) -> float:
        """The median round."""
        return statistics.median(one.rps for one in self.whole[name, connections])

    def p50(self, name: str, connections: int) -> float:
        """The median of the rounds' medians, milliseconds."""
        return statistics.median(one.p50 for one in self.whole[name, connections])

    def microseconds(self, name: str, connections: int) -> float:
        """The median round's processor time of a request, in the server's own process."""
        return statistics.median(self.processor[name, connections])

    def with_children(self, name: str, connections: int) -> float:
        """The same, and what its children spend on it."""
        return self.microseconds(name, connections) + statistics.median(self.beside[name, connections])

    def p99(self, name: str, connections: int) -> float:
        """The median of the rounds' slowest hundredths, milliseconds."""
        return statistics.median(one.p99 for one in self.whole[name, connections])

    def first(self, name: str) -> float:
        """A stream's first frame, milliseconds."""
        return statistics.median(one.first for one in self.streams[name])

    def delay(self, name: str) -> float:
        """A frame's way from the engine, milliseconds."""
        return statistics.median(one.delay for one in self.streams[name])


def measure(servers: dict[str, Server], rounds: int, seconds: float) -> Seen:
    """All rounds, then all pairs."""
    seen = Seen(defaultdict(list), defaultdict(list), defaultdict(list), defaultdict(list), defaultdict(list))
    for server in servers.values():  # the first requests of a process are no measure
        whole(server.port, server.key, 4, 1)
    unmetered = servers.pop("unmetered")
    for number in range(rounds):
        for connections in CONNECTIONS:
            for name, server in servers.items():
                before, beside = server.worked(), server.beside()
                told = whole(server.port, server.key, connections, seconds)
                time.sleep(DRAINED)
                seen.whole[name, connections].append(told)
                each = 1e6 / (told.rps * seconds)
                seen.processor[name, connections].append((server.worked() - before) * each)
                seen.beside[name, connections].append((server.beside() - beside) * each)
        for name in ("direct", "bare", "ours"):
            seen.streams[name].append(streams(servers[name].port, servers[name].key, STREAMS))
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    for connections in CONNECTIONS:
        seen.pairs[connections] = [
            _pair(servers["ours"], unmetered, connections, first=first) for first in pairs.order(PAIRS)
        ]
        print(f"{PAIRS} pairs at {connections}", file=sys.stderr)
    return seen


def _pair(ours: Server, unmetered: Server, connections: int, *, first: bool) -> tuple[float, float]:
    """Requests a second of ours and of the other."""
    found = {}
    for server in (ours, unmetered) if first else (unmetered, ours):
        found[server.name] = whole(server.port, server.key, connections, PAIRED).rps
        time.sleep(DRAINED)
    return found[ours.name], found[unmetered.name]


def figures(seen: Seen, servers: dict[str, Server]) -> Iterator[Figure]:
    """The lines of the report."""
    for connections in CONNECTIONS:
        at = f"c = {connections}"
        ours = seen.rps("ours", connections)
        yield Figure(f"requests/s, {at}, of the engine itself", ours, seen.rps("direct", connections), "1/s, direct")
        yield least(f"requests/s, {at}, of bare", ours, seen.rps("bare", connections), 0.6, "1/s, bare")
        if "litellm" in servers:
            yield least(f"requests/s, {at}, of LiteLLM", ours, seen.rps("litellm", connections), 10, "1/s, LiteLLM")
        yield from seen.metering(connections)
        cost = (seen.microseconds("ours", connections), seen.microseconds("bare", connections))
        yield Figure(f"processor time of a request, {at}", *cost, "µs, bare")
        both = (seen.with_children("ours", connections), seen.with_children("bare", connections))
        yield Figure(f"the same with the drainer's, {at}", *both, "µs, bare")
        yield Figure(f"p50, {at}", seen.p50("ours", connections), seen.p50("bare", connections), "ms, bare")
        yield Figure(f"p99, {at}", seen.p99("ours", connections), seen.p99("bare", connections), "ms, bare")
    direct = seen.p50("direct", 1)
    added = (seen.p50("ours", 1) - direct, seen.p50("bare", 1) - direct)
    yield most("added to a request, one at a time", *added, 1.6, "ms, bare")
    ours, bare, engine = (seen.first(name) for name in ("ours", "bare", "direct"))
    yield most(f"added to the first frame, {STREAMS} streams", ours - engine, bare - engine, 1.6, "ms, bare")
    ours, bare, engine = (seen.delay(name) for name in ("ours", "bare", "direct"))
    yield most(f"added to each frame, {STREAMS} streams", ours - engine, bare - engine, 1.6, "ms, bare")
    lost = sum(one.lost for one in seen.streams["ours"])
    yield Figure("frames lost", lost, None, "", "= 0", lost == 0)
    memory, cold = servers["ours"].resident(), servers["ours"].cold
    yield Figure("memory after all of it", memory, None, "MiB", "<= 300", memory <= 300)
    yield Figure("cold start", cold, None, "s", "<= 5", cold <= 5)


def main() -> int:
    """Measure and print; 1 when a demand does not hold."""
    parser = argparse.ArgumentParser(prog="make bench-gateway")
    parser.add_argument("--json", action="store_true", help="one JSON document and nothing else")
    parser.add_argument(
        "--rounds", type=int, help=f"{ROUNDS} unless told otherwise; with --engine: pairs, {real.PAIRS}"
    )
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--no-peers", action="store_true", help="leave LiteLLM out")
    parser.add_argument("--engine", action="store_true", help="before the real vLLM, beside the bare pass-through")
    given = parser.parse_args()
    orderly()
    with tempfile.TemporaryDirectory(prefix="bench-gateway-") as place:
        if given.engine:
            lines = list(real.figures(Path(place), given.rounds or real.PAIRS))
        else:
            with all_of_them(Path(place), peers=not given.no_peers) as servers:
                lines = list(figures(measure(servers, given.rounds or ROUNDS, given.seconds), servers))
    return tell(lines, document=given.json, digits=3 if given.engine else 2)


if __name__ == "__main__":
    sys.exit(main())
