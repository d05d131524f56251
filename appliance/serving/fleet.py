"""Which replicas of a deployment begin, serve and go: decided purely, so that a swap leaves no moment without one.

The old go only when as many new ones are complete as are wanted: started, warmed by a real request, and with every
adapter that the routes need. Until then the old serve; when the new never come that far, the old go on serving.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Seat:
    """A replica. ``current``: of the wanted version and settings; ``ready``: it answers; ``complete``: adapters too."""

    id: UUID
    current: bool
    ready: bool = False
    complete: bool = False
    retired: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """``begin`` replicas are to be started anew, those of ``serve`` may be asked, those of ``retire`` are to end."""

    begin: int
    serve: frozenset[UUID]
    retire: frozenset[UUID]


def plan(wanted: int, seats: Sequence[Seat]) -> Plan:
    """What is to be done for ``wanted`` replicas, 0 when the deployment is not to run."""
    staying = [seat for seat in seats if not seat.retired]
    old = [seat for seat in staying if not seat.current]
    new = sorted((seat for seat in staying if seat.current), key=lambda seat: not seat.ready)
    kept, surplus = new[:wanted], new[wanted:]
    if not wanted:
        return Plan(0, frozenset(), _ids(staying))
    begin = wanted - len(kept)
    if any(seat.ready for seat in old) and sum(seat.complete for seat in kept) < wanted:
        return Plan(begin, _ids(seat for seat in old if seat.ready), _ids(seat for seat in old if not seat.ready))
    return Plan(begin, _ids(seat for seat in kept if seat.ready), _ids([*old, *surplus]))


def _ids(seats: Iterable[Seat]) -> frozenset[UUID]:
    return frozenset(seat.id for seat in seats)
