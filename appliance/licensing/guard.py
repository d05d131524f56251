"""The clock guard, as pure functions: what time it is at least, and whether the machine's clock can be believed.

Its ``mark`` is the highest time seen. A clock may stand up to an hour behind the mark, and may run up to an hour apart
from the machine's own monotonic time, summed over the whole of a boot: so neither one leap nor many small ones move the
mark further. Beyond that, either way, the clock is *suspect* and stays so until somebody clears it. Meanwhile the mark
goes on with monotonic time, so that a turned clock gains nothing and a wrong one stops nobody's work.

All times are whole seconds; ``elapsed`` counts from the boot, with sleep (CLOCK_BOOTTIME).
"""

from dataclasses import dataclass, replace
from enum import StrEnum

HOUR = 3600


class Suspicion(StrEnum):
    """Why the clock is not believed."""

    AHEAD = "ahead"
    BEHIND = "behind"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the clocks."""

    wall: int
    boot: str
    elapsed: int


@dataclass(frozen=True, slots=True)
class Clock:
    """What is remembered. ``base`` is the time that belongs to ``elapsed`` of ``boot``; ``floor`` what was signed."""

    mark: int
    floor: int
    boot: str
    base: int
    elapsed: int
    suspicion: Suspicion | None = None
    since: int | None = None

    def expected(self, reading: Reading) -> int:
        """The time by the monotonic clock since the anchor. Of another boot only its own length is known."""
        gone = reading.elapsed - self.elapsed if reading.boot == self.boot else reading.elapsed
        return (self.base if reading.boot == self.boot else self.mark) + max(0, gone)


def first(reading: Reading) -> Clock:
    """The first look: there is nothing to compare with."""
    return Clock(reading.wall, 0, reading.boot, reading.wall, reading.elapsed)


def look(clock: Clock, reading: Reading) -> Clock:
    """The clock after a look. Never lowers the mark, never clears a suspicion."""
    if clock.suspicion is None and (found := judged(clock, reading)):
        clock = replace(clock, suspicion=found, since=clock.mark)
    if clock.suspicion is not None:
        return _carried(clock, reading)
    base = clock.base + reading.elapsed - clock.elapsed
    if reading.boot != clock.boot:
        base = min(reading.wall, clock.expected(reading))
    mark = max(clock.mark, reading.wall)
    return replace(clock, mark=mark, boot=reading.boot, base=base, elapsed=reading.elapsed)


def judged(clock: Clock, reading: Reading) -> Suspicion | None:
    """What is wrong with a reading, None for nothing."""
    same = reading.boot == clock.boot
    if same and reading.elapsed < clock.elapsed:
        return Suspicion.ROLLED_BACK  # a machine's snapshot: its memory went back as well
    if reading.wall > clock.expected(reading) + HOUR:
        return Suspicion.AHEAD
    least = max(clock.mark, clock.floor, clock.expected(reading) if same else 0) - HOUR
    return Suspicion.BEHIND if reading.wall < least else None


def accept(clock: Clock, reading: Reading) -> Clock | None:
    """The clock believed as it is now, the mark lowered if need be; None below what was signed, which is certain."""
    if reading.wall < clock.floor - HOUR:
        return None
    return replace(_anchored(clock, reading), mark=max(reading.wall, clock.floor))


def signed(clock: Clock, at: int) -> Clock:
    """The clock when a file of this signed time was accepted: it is that late at least."""
    return replace(clock, floor=max(clock.floor, at))


def rolled_back(clock: Clock, mark: int) -> Clock:
    """The clock of a database that is older than the mark kept beside it."""
    since = clock.mark if clock.since is None else clock.since
    return replace(clock, mark=max(clock.mark, mark), suspicion=Suspicion.ROLLED_BACK, since=since)


def restored(clock: Clock, mark: int) -> Clock:
    """The clock of a database that was restored with a signed marker: time went on, nothing is suspect."""
    return replace(clock, mark=max(clock.mark, mark))


def _carried(clock: Clock, reading: Reading) -> Clock:
    expected = max(clock.mark, clock.expected(reading))
    return replace(clock, mark=expected, boot=reading.boot, base=expected, elapsed=reading.elapsed)


def _anchored(clock: Clock, reading: Reading) -> Clock:
    anchored = replace(clock, boot=reading.boot, base=reading.wall, elapsed=reading.elapsed)
    return replace(anchored, suspicion=None, since=None)
