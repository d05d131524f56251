"""The engines as other slices use them: ask a route, stream its answer, know what it speaks."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from appliance.access.principal import Principal
from appliance.drivers.vllm.port import Upstream
from appliance.kit import clock, crypto, offload
from appliance.kit.errors import ApplianceError, OverShare
from appliance.kit.handing import taken
from appliance.kit.settings import GatewaySettings
from appliance.serving import events, reckoning
from appliance.serving.admission import Admission, Room
from appliance.serving.completions import COUNTED
from appliance.serving.directory import Directory
from appliance.serving.errors import EngineFull, ModelNotAllowed
from appliance.serving.events import Delta, Events
from appliance.serving.inference import CHAT, Asker, Inference, Record
from appliance.serving.meters import Meters
from appliance.serving.routing import Replica, least_busy
from appliance.serving.sharing import Sharing
from appliance.serving.target import Target
from appliance.usage.budgets import Reserving, Unlimited
from appliance.usage.reservation import Reservation, Wanted


class Closing(Upstream, Protocol):
    """An upstream that holds connections."""

    async def close(self) -> None:
        """Close them."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """What requests may cost and take, and where they are counted; without budgets, as much as they like."""

    budgets: Reserving | None = None
    limits: GatewaySettings = field(default_factory=GatewaySettings)
    meters: Meters = field(default_factory=Meters)


class Engines:
    """All engines of this appliance, for one event loop. ``salt`` is a secret of this appliance."""

    def __init__(
        self,
        directory: Directory,
        connect: Callable[[Replica], Closing],
        record: Record,
        salt: bytes,
        bounds: "Bounds | None" = None,
    ) -> None:
        bounds = bounds or Bounds()
        self.directory = directory
        self.limits = bounds.limits
        self._budgets = bounds.budgets or Unlimited()
        self._connect = connect
        self._record = record
        self._salt = salt
        self._salts: dict[UUID, str] = {}
        self._known: dict[UUID, _Engine] = {}
        self._ahead: asyncio.Future[None] | None = None
        self._turns: defaultdict[UUID, Admission] = defaultdict(Admission)
        self.meters = bounds.meters
        self.meters.watch(
            lambda: sum(turns.running for turns in self._turns.values()),
            lambda: sum(turns.waiting for turns in self._turns.values()),
        )

    def speaks(self, route: str, tenant: UUID | None = None) -> frozenset[str]:
        """The languages (BCP-47) of the model behind a route. Raises ``RouteNotFound``."""
        return self.directory.find(route, tenant).languages

    def target(self, route: str, tenant: UUID | None = None, sticky: str = "") -> Target:
        """Model, digests and context of what answers the conversation ``sticky``, and whether it runs.

        Raises ``RouteNotFound``, as for what there is not, for a route that is not this tenant's.
        """
        return self.directory.find(route, tenant, sticky)

    async def find(self, route: str, tenant: UUID | None = None, sticky: str = "") -> Target:
        """As :meth:`target`, for async code. Raises ``EngineDown`` too, unless the engine is known to run."""
        directory = self.directory
        if directory.fresh:
            if directory.ending and (self._ahead is None or self._ahead.done()):
                self._ahead = asyncio.ensure_future(offload.run(directory.refresh))
            found = directory.find(route, tenant, sticky)
        else:
            found = await offload.run(directory.find, route, tenant, sticky)
        found.check(clock.now())
        return found

    def salt(self, principal: Principal) -> str:
        """Keeps tenants apart in an engine's prefix cache, whose timing would else tell what others asked."""
        found = self._salts.get(principal.tenant)
        if found is None:
            found = self._salts[principal.tenant] = crypto.keyed(self._salt, "cache-salt", principal.tenant.bytes)
        return found

    @asynccontextmanager
    async def ask(
        self,
        target: Target,
        body: dict[str, Any],
        principal: Principal,
        path: str = CHAT,
        reservation: Reservation | None = None,
    ) -> AsyncIterator[Inference]:
        """Send a request that passed the allow-list, when its turn comes, to the least busy of the target's engines.

        Raises ``EngineDown``, ``EngineFull``, ``OverShare`` or ``EngineRefused``; :class:`ModelNotAllowed` when the
        key's list of models does not name the route; ``OverQuota`` or ``QuotaUnknown`` before any engine hears of it,
        unless the ``reservation`` was made before. It is released in any case.
        """
        if not principal.may_use(target.route):
            if reservation is not None:
                reservation.forgo()
            raise ModelNotAllowed(f"this key may not use the model {target.route!r}")
        if reservation is None:
            reservation = await self._reserve(principal, reckoning.wanted(body, target.context))
        sent = reckoning.bounded(body, target.context, reservation.granted)
        try:
            async with self._turns[target.deployment].turn(principal.tenant, self._room(target)) as waited:
                engine = self._least_busy(target)
                with engine.sharing.running() as share:
                    record = reservation.recording(self._record, share.seconds)
                    asker = Asker(principal, record, waited, self.meters)
                    with Inference(target, asker, clock.monotonic(), body.get("n") or 1) as inference:
                        async with engine.upstream.post(path, sent) as answer:
                            yield await inference.hear(answer)
        except (OverShare, EngineFull):
            reservation.cancel()  # no engine took it
            raise
        finally:
            reservation.release()

    def _least_busy(self, target: Target) -> "_Engine":
        if len(target.replicas) == 1:
            return self._engine(target.replicas[0])
        busy = {replica.id: self._engine(replica).sharing.busy for replica in target.replicas}
        return self._engine(least_busy(target.replicas, busy)[0])

    def _room(self, target: Target) -> Room:
        """As many turns as the engines run, and a few that they have ready when one of those ends."""
        ahead = min(target.queue, max(2, target.sequences // 4))
        return Room(target.sequences + ahead, target.queue - ahead, self.limits.wait_seconds)

    def replicas(self) -> list[tuple[str, Replica]]:
        """Every engine in service, with the model that it runs."""
        return [(target.model, replica) for target in self.directory.every() for replica in target.replicas]

    async def _reserve(self, principal: Principal, wanted: Wanted) -> Reservation:
        found = self._budgets.quick(principal, wanted)
        if found is not None:
            return found
        return await taken(lambda: self._budgets.reserve(principal, wanted), lambda made: made.cancel())

    def _engine(self, replica: Replica) -> "_Engine":
        found = self._known.get(replica.id)
        if found is None:
            found = self._known[replica.id] = _Engine(self._connect(replica))
        return found

    async def reserve(
        self, target: Target, messages: Sequence[Mapping[str, str]], max_tokens: int, principal: Principal
    ) -> Reservation:
        """What :meth:`stream` will need, before anything is sent. Raises ``OverQuota`` or ``QuotaUnknown``."""
        body = self._body(target, messages, max_tokens, principal)
        return await self._reserve(principal, reckoning.wanted(body, target.context))

    async def stream(
        self,
        target: Target,
        messages: Sequence[Mapping[str, str]],
        max_tokens: int,
        principal: Principal,
        reservation: Reservation | None = None,
    ) -> AsyncGenerator[Delta, None]:
        """The most likely answer to ``messages``, piece by piece; close the iterator early to abort the engine.

        Raises ``EngineDown``, ``EngineFull`` or ``EngineRefused``; ``EngineDown`` also midway.
        """
        try:
            target.check(clock.now())
        except ApplianceError:
            if reservation is not None:
                reservation.forgo()
            raise
        body = self._body(target, messages, max_tokens, principal)
        async with self.ask(target, body, principal, reservation=reservation) as inference:
            async for part in inference.pieces():
                for event in Events().feed(part):
                    if piece := events.delta(events.data(event)):
                        yield piece

    def _body(
        self, target: Target, messages: Sequence[Mapping[str, str]], max_tokens: int, principal: Principal
    ) -> dict[str, Any]:
        return {
            "model": target.engine_name,
            "messages": [dict(message) for message in messages],
            "max_tokens": max_tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": COUNTED,
            "cache_salt": self.salt(principal),
        }

    async def close(self) -> None:
        """Close the connections to all engines."""
        if self._ahead is not None:
            await asyncio.wait([self._ahead])
        while self._known:
            await self._known.popitem()[1].upstream.close()


@dataclass(slots=True)
class _Engine:
    """The way to one replica, and the requests on it."""

    upstream: Closing
    sharing: Sharing = field(default_factory=Sharing)
