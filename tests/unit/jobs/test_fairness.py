"""Whose job is next."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from appliance.jobs.fairness import Line, order

A, B, C = (UUID(int=number) for number in (1, 2, 3))
EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


def jobs(tenant: UUID, count: int) -> tuple[UUID, ...]:
    return tuple(UUID(int=tenant.int * 100 + number) for number in range(count))


def owners(chosen: tuple[UUID, ...]) -> str:
    return "".join(" ABC"[job.int // 100] for job in chosen)


@pytest.mark.parametrize(
    ("lines", "per_tenant", "most", "expected"),
    [
        ([], 2, 9, ""),
        ([Line(A, ())], 2, 9, ""),
        ([Line(A, jobs(A, 5))], 2, 9, "AA"),
        ([Line(A, jobs(A, 5))], 9, 3, "AAA"),
        ([Line(A, jobs(A, 5), running=1)], 2, 9, "A"),
        ([Line(A, jobs(A, 5), running=2)], 2, 9, ""),
        ([Line(A, jobs(A, 5), running=7)], 2, 9, ""),
        ([Line(A, jobs(A, 3)), Line(B, jobs(B, 3))], 3, 9, "ABABAB"),
        ([Line(A, jobs(A, 3), running=1), Line(B, jobs(B, 3))], 3, 9, "BABAB"),
        ([Line(A, jobs(A, 99), running=1), Line(B, jobs(B, 1))], 2, 1, "B"),
        ([Line(A, jobs(A, 3), served=LATE), Line(B, jobs(B, 3), served=EARLY)], 3, 1, "B"),
        ([Line(A, jobs(A, 3), served=EARLY), Line(B, jobs(B, 3))], 3, 1, "B"),
        ([Line(A, jobs(A, 1), served=EARLY), Line(B, ()), Line(C, jobs(C, 2))], 1, 9, "CA"),
    ],
)
def test_tenants_take_turns_within_their_share(lines: list[Line], per_tenant: int, most: int, expected: str) -> None:
    assert owners(order(lines, per_tenant, most)) == expected


def test_within_a_tenant_the_oldest_comes_first() -> None:
    assert order([Line(A, jobs(A, 5))], 5, 5) == jobs(A, 5)
