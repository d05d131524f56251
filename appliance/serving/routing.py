"""Who answers a request: pure choices. By hash where a conversation must keep what it has, by load among equals."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

_BUCKETS = 10_000


@dataclass(frozen=True, slots=True)
class Replica:
    """One engine that may be asked. ``address`` None: it listens on its socket in ``run/``; else an HTTP address."""

    id: UUID
    address: str | None = None
    version: UUID | None = None
    adapters: frozenset[str] = frozenset()
    engine: Mapping[str, Any] = field(default_factory=dict)


def on_trial(route: str, sticky: str, percent: int) -> bool:
    """Whether the conversation ``sticky`` is of the ``percent`` that a route's canary answers.

    The same one always is or is not, on every process; with a greater share all who were in it stay in it.
    """
    told = hashlib.sha256(f"{route}\0{sticky}".encode()).digest()
    return int.from_bytes(told[:8]) % _BUCKETS < percent * _BUCKETS // 100


def least_busy(replicas: Sequence[Replica], busy: Mapping[UUID, int]) -> list[Replica]:
    """The replicas in the order in which to try them: fewest requests under way first, of equals the first named."""
    return sorted(replicas, key=lambda replica: busy.get(replica.id, 0))
