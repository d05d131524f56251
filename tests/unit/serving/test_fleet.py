"""Which replicas begin, serve and go, case by case."""

import itertools
from dataclasses import replace

import pytest

from appliance.kit.ids import uuid7
from appliance.serving.fleet import Plan, Seat, plan

A, B, C, D = (Seat(uuid7(), current=True) for _ in range(4))


def ready(seat: Seat, *, current: bool = True, complete: bool = True) -> Seat:
    """The seat, answering."""
    return replace(seat, current=current, ready=True, complete=complete)


def old(seat: Seat) -> Seat:
    """The seat, of a former version and not answering."""
    return replace(seat, current=False)


@pytest.mark.parametrize(
    ("wanted", "seats", "begin", "serve", "retire"),
    [
        (1, [], 1, [], []),
        (2, [A], 1, [], []),
        (1, [ready(A)], 0, [A], []),
        (2, [ready(A), B], 0, [A], []),  # each serves as soon as it can
        (1, [ready(A, complete=False)], 0, [A], []),  # its first adapter loads: others are answered meanwhile
        (1, [A, ready(B)], 0, [B], [A]),  # of two too many goes the one that does not answer
        (1, [ready(A, current=False)], 1, [A], []),  # a swap: the old serve on
        (1, [ready(A, current=False), B], 0, [A], []),
        (1, [ready(A, current=False), ready(B, complete=False)], 0, [A], []),  # until the adapters are there
        (1, [ready(A, current=False), ready(B)], 0, [B], [A]),
        (2, [ready(A, current=False), ready(B)], 1, [A], []),  # until there are as many new ones as are wanted
        (2, [ready(A, current=False), ready(B), ready(C)], 0, [B, C], [A]),
        (1, [old(A), B], 0, [], [A]),  # nothing is lost with an old one that does not answer
        (1, [ready(A, current=False), old(B), C], 0, [A], [B]),  # a swap overtaken by another
        (0, [ready(A), B], 0, [], [A, B]),
        (1, [replace(ready(A), retired=True)], 1, [], []),
        (1, [replace(ready(A, current=False), retired=True), ready(B)], 0, [B], []),
    ],
)
def test_what_is_to_be_done(wanted: int, seats: list[Seat], begin: int, serve: list[Seat], retire: list[Seat]) -> None:
    expected = Plan(begin, frozenset(seat.id for seat in serve), frozenset(seat.id for seat in retire))
    assert plan(wanted, seats) == expected


def test_whatever_happens_somebody_who_can_answer_does() -> None:
    states = itertools.product((False, True), repeat=3)
    shapes = [replace(D, id=uuid7(), current=c, ready=r, complete=r and k) for c, r, k in states]
    for first in shapes:
        for second in shapes:
            for wanted in (1, 2):
                seats = [first, replace(second, id=uuid7())]
                made = plan(wanted, seats)
                able = {seat.id for seat in seats if seat.ready}
                assert bool(made.serve) == bool(able)
                assert made.serve <= able
                assert not made.serve & made.retire
