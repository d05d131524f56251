"""What is being answered ends with its caller's right: a stream to who was suspended a moment ago goes no further.

Whoever comes in is authenticated once, and an answer may take minutes. So every request under way is known here. When
credentials change (the authenticator's bell), when a credential ends by itself, and twice a second while nothing is
heard, its caller is authenticated anew. Who is not the same any more (revoked, suspended, another role, other groups)
gets nothing more: a stream is cut off with the reason. A request without an answer yet has a second to give it, since
it may be the very act that ended the credential, and is then cancelled; one in a transaction is left to finish that,
and its answer is not sent.

Pure ASGI around all else, so that nothing below needs to know of it: what passes an engine's answer on sees a cancel,
as when its caller goes away.
"""

import asyncio
import json
from dataclasses import replace
from functools import cache
from typing import Final, Protocol

import anyio
import anyio.lowlevel
from fastapi import Request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from appliance.access.principal import Principal
from appliance.access.web import credential
from appliance.entry import edge
from appliance.kit import clock, log, offload
from appliance.kit.errors import ApplianceError, Unauthenticated

TICK: Final = 0.5
GRACE: Final = 1.0
"""Seconds that an answer may still begin in after its credential has ended."""
BLIND: Final = 10.0
"""Seconds without the database after which all streams end. While it is down nobody can be suspended, and its restart
is no reason to cut everybody off; but if only we are cut off from it, the suspended may go on for so long."""
_logger = log.get(__name__)


class CredentialEnded(Unauthenticated):
    """What this request came with was revoked, suspended, changed or has expired while it was answered."""

    code = "credential_ended"
    advice = "Sign in again, or send another key; then repeat the request."


class Lookup(Protocol):
    """What the fence asks: the one who authenticates, and whether a change would be heard."""

    @property
    def hears(self) -> bool:
        """Whether :meth:`Fence.ring` would be called at a change."""

    def __call__(self, token: str) -> Principal:
        """The principal of a credential. Raises an :class:`ApplianceError` for a bad one."""


class Passing:
    """A request under way. All of it happens in the event loop's thread."""

    def __init__(self, scope: Scope, generation: int) -> None:
        self.scope = scope
        self.generation = generation
        self.begun = self.stream = False
        self.ended: float | None = None
        self.cancelling = _scopes()()

    @property
    def principal(self) -> Principal | None:
        """Who was let in, once that is known."""
        found: Principal | None = self.scope["state"].get("principal")
        return found

    def look(self) -> None:
        """Cut it off, if that is due."""
        if self.ended is None:
            return
        late = clock.monotonic() - self.ended >= GRACE and not self.scope["state"].get("transactions")
        if self.begun or late:
            self.cancelling.cancel()


class Fence:
    """The requests under way in this process, and the task that looks after them."""

    def __init__(self, authenticate: Lookup, *, blind: float = BLIND) -> None:
        self._authenticate = authenticate
        self._patience = blind
        self._passing: set[Passing] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rung = asyncio.Event()
        self._generation = 0
        self._blind: float | None = None

    def ring(self) -> None:
        """Credentials changed. From any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._rung.set)

    async def admit(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, until its end or until its caller's."""
        one = Passing(scope, self._generation)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                one.look()
                if one.cancelling.cancel_called:
                    await anyio.lowlevel.checkpoint_if_cancelled()
                one.begun = True
                one.stream = _is_stream(message)
            await send(message)

        self._passing.add(one)
        try:
            with one.cancelling:
                await app(scope, receive, sending)
        finally:
            self._passing.discard(one)
        if one.cancelling.cancelled_caught:
            _logger.info("ended with its credential", path=scope["path"], begun=one.begun)
            await _tell(one, receive, send)

    async def watch(self) -> None:
        """Look after them, until cancelled."""
        self._loop = asyncio.get_running_loop()
        while True:
            with anyio.move_on_after(TICK):
                await self._rung.wait()
            if self._rung.is_set() or not self._authenticate.hears:
                self._rung.clear()
                self._generation += 1
            await self._check([one for one in self._passing if self._due(one)])
            for one in self._passing:
                one.look()

    def _due(self, one: Passing) -> bool:
        """Whether it is to be looked at again: it is older than the last ring, or its credential ends by itself."""
        if one.ended is not None or one.principal is None:
            return False
        ends = one.principal.ends
        return one.generation < self._generation or (ends is not None and ends <= clock.now())

    async def _check(self, some: list[Passing]) -> None:
        if not some:
            return
        generation = self._generation
        try:
            same = await offload.run_ahead(self._same, some)
            self._blind = None
        except (DBAPIError, PoolTimeout):
            self._blind = self._blind or clock.monotonic()
            if clock.monotonic() - self._blind < self._patience:
                return
            same = frozenset()
        for one in some:
            one.generation = generation
            if one not in same:
                one.ended = clock.monotonic()

    def _same(self, some: list[Passing]) -> frozenset[Passing]:
        """Those whose caller would be let in as the same now. In a thread."""
        return frozenset(one for one in some if self._again(one))

    def _again(self, one: Passing) -> bool:
        former = one.principal
        try:
            principal = self._authenticate(credential(Request(one.scope)))
        except ApplianceError:
            return False
        one.scope["state"]["principal"] = principal
        return former is not None and replace(principal, name=former.name) == former


class Fenced:
    """Wraps the application inside :class:`appliance.entry.edge.Edge`; the fence is in ``app.state.fence``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        fence: Fence | None = getattr(scope["app"].state, "fence", None) if scope["type"] == "http" else None
        if fence is None:
            await self._app(scope, receive, send)
        else:
            await fence.admit(self._app, scope, receive, send)


@cache
def _scopes() -> type[anyio.CancelScope]:
    """The class of scopes under our event loop: ``anyio.CancelScope`` looks for it at each call, for half the cost."""
    return type(anyio.CancelScope())


def _is_stream(start: Message) -> bool:
    return any(
        name == b"content-type" and value.startswith(b"text/event-stream") for name, value in start.get("headers", ())
    )


async def _tell(one: Passing, receive: Receive, send: Send) -> None:
    """Why it ended: as the answer, as a stream's last event, else by a connection that breaks off."""
    answer = edge.problem(CredentialEnded(), Request(one.scope))
    if not one.begun:
        await answer(one.scope, receive, send)
    elif one.stream:
        name = (
            "" if "error" in json.loads(bytes(answer.body)) else "event: error\n"
        )  # clients of OpenAI's API read the data
        await send({"type": "http.response.body", "body": f"{name}data: ".encode() + answer.body + b"\n\n"})
