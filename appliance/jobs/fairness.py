"""Whose job is next: round-robin across tenants, and at most so many running jobs for each of them.

The tenant with the fewest running jobs comes first, then the one served longest ago, so a tenant that queues ten
thousand jobs does not delay another tenant's single one by more than the job that is running.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Line:
    """One tenant's queue: its waiting jobs, oldest first, how many run, and when one last began."""

    tenant: UUID
    waiting: tuple[UUID, ...]
    running: int = 0
    served: datetime | None = None


def order(lines: Iterable[Line], per_tenant: int, most: int) -> tuple[UUID, ...]:
    """The next ``most`` jobs that may begin, in turn."""
    heap = [(line.running, line.served or _NEVER, line.tenant, 0, line.waiting) for line in lines]
    heapq.heapify(heap)
    chosen: list[UUID] = []
    while heap and len(chosen) < most:
        running, served, tenant, place, waiting = heapq.heappop(heap)
        if running >= per_tenant or place >= len(waiting):
            continue
        chosen.append(waiting[place])
        heapq.heappush(heap, (running + 1, served, tenant, place + 1, waiting))
    return tuple(chosen)
