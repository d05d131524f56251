"""The engines as other slices use them: ask a route, stream its answer, know what it speaks."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol
from uuid import UUID

from appliance.access.principal import Principal
from appliance.drivers.vllm.port import Upstream
from appliance.kit import clock, crypto, offload
from appliance.serving import events
from appliance.serving.directory import Directory, Target
from appliance.serving.errors import ModelNotAllowed
from appliance.serving.events import Delta
from appliance.serving.inference import Asker, Inference, Record, infer

DEFAULT = "default"


class Closing(Upstream, Protocol):
    """An upstream that holds connections."""

    async def close(self) -> None:
        """Close them."""
        ...


class Engines:
    """All engines of this appliance, for one event loop. ``salt`` is a secret of this appliance."""

    def __init__(self, directory: Directory, connect: Callable[[UUID], Closing], record: Record, salt: bytes) -> None:
        self.directory = directory
        self._connect = connect
        self._record = record
        self._salt = salt
        self._upstreams: dict[UUID, Closing] = {}

    def speaks(self, route: str) -> frozenset[str]:
        """The languages (BCP-47) of the model behind a route. Raises ``RouteNotFound``."""
        return self.directory.find(route).languages

    def target(self, route: str) -> Target:
        """Model, digest and context of a route, and whether it runs. Raises ``RouteNotFound``."""
        return self.directory.find(route)

    async def find(self, route: str) -> Target:
        """As :meth:`target`, for async code. Raises ``EngineDown`` too, unless the engine is known to run."""
        directory = self.directory
        found = directory.find(route) if directory.fresh else await offload.run(directory.find, route)
        found.check(clock.now())
        return found

    def salt(self, principal: Principal) -> str:
        """Keeps tenants apart in an engine's prefix cache, whose timing would else tell what others asked."""
        return crypto.keyed(self._salt, "cache-salt", principal.tenant.bytes)

    def ask(self, target: Target, body: dict[str, Any], principal: Principal) -> AbstractAsyncContextManager[Inference]:
        """Send a request that passed the allow-list. Raises ``EngineDown``, ``EngineFull`` or ``EngineRefused``.

        Raises :class:`ModelNotAllowed` when the key's list of models does not name the route.
        """
        if not principal.may_use(target.route):
            raise ModelNotAllowed(f"this key may not use the model {target.route!r}")
        upstream = self._upstreams.get(target.deployment)
        if upstream is None:
            upstream = self._upstreams[target.deployment] = self._connect(target.deployment)
        return infer(upstream, body, target, Asker(principal, self._record))

    async def stream(
        self, route: str, messages: Sequence[Mapping[str, str]], max_tokens: int, principal: Principal
    ) -> AsyncGenerator[Delta, None]:
        """The most likely answer to ``messages``, piece by piece; close the iterator early to abort the engine.

        Raises ``RouteNotFound``, ``EngineDown``, ``EngineFull`` or ``EngineRefused``; ``EngineDown`` also midway.
        """
        target = await self.find(route)
        body: dict[str, Any] = {
            "model": target.model,
            "messages": [dict(message) for message in messages],
            "max_tokens": max_tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
            "cache_salt": self.salt(principal),
        }
        async with self.ask(target, body, principal) as inference:
            async for event in inference.events():
                if piece := events.delta(events.data(event)):
                    yield piece

    async def close(self) -> None:
        """Close the connections to all engines."""
        while self._upstreams:
            await self._upstreams.popitem()[1].close()
