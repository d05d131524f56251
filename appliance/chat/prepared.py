"""A question as it was sent, what its answer will stand on, and the events that tell it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from appliance.access.principal import Principal
from appliance.chat.evidence import Pool
from appliance.chat.following import Leaning
from appliance.chat.mode import Choice
from appliance.chat.quoting import Quote
from appliance.chat.retrieval import Retrieved
from appliance.chat.service import Pending
from appliance.serving.target import Target
from appliance.usage.reservation import Reservation


@dataclass(frozen=True, slots=True)
class Asking:
    """A question as it was sent. ``collections``: ids or names, None for all."""

    question: str
    collections: tuple[str, ...] | None = None
    conversation: UUID | None = None
    quoted_only: bool = False


@dataclass(frozen=True, slots=True)
class Ground:
    """What an answer stands on. ``quotes``: every piece, best first; ``chosen``: those that stand."""

    question: Leaning
    found: Retrieved
    pool: Pool
    quotes: tuple[Quote, ...]
    chosen: tuple[Quote, ...]
    choice: Choice
    target: Target | None


@dataclass(frozen=True, slots=True)
class Order:
    """What the model is given to read, and what of the caller's quotas is reserved for it."""

    target: Target
    messages: Sequence[Mapping[str, str]]
    reservation: Reservation
    dropped: asyncio.TimerHandle

    def take(self) -> Reservation | None:
        """It is begun: whoever takes it sees to the reservation. None: it came too late, and has to reserve anew."""
        self.dropped.cancel()
        late = self.dropped.when() <= asyncio.get_running_loop().time()
        return None if late else self.reservation

    def forgo(self) -> None:
        """It will not be begun."""
        self.dropped.cancel()
        self.reservation.forgo()


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that is known before the answer begins. Without an ``order`` the model is not asked."""

    principal: Principal
    ground: Ground
    order: Order | None
    pending: Pending
    begun: float


@dataclass(frozen=True, slots=True)
class Event:
    """One event of an answer's stream: its name and its JSON object."""

    name: str
    data: dict[str, Any]
