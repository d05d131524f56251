"""The fence around requests under way, with callers and a database that the test makes up."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError
from starlette.types import Message, Receive, Scope, Send

from appliance.access.principal import Principal, Role, TenantId, UserId
from appliance.entry.fence import GRACE, TICK, Fence
from appliance.kit import clock
from appliance.kit.ids import uuid7
from appliance.tenants.errors import BadCredential

CALLER = Principal(TenantId(uuid7()), UserId(uuid7()), Role.MEMBER, "Ann")


async def _until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110 - what it waits for is a counter of the code under test
        await asyncio.sleep(0.005)


async def _never() -> None:
    await asyncio.Event().wait()


@dataclass
class Known:
    """Who is let in."""

    caller: Principal | None = CALLER
    hears: bool = True
    down: bool = False
    asked: int = 0

    def __call__(self, token: str) -> Principal:
        self.asked += 1
        if self.down:
            raise OperationalError(token, {}, OSError("away"))
        if self.caller is None:
            raise BadCredential
        return self.caller


Act = Callable[[Scope, Send], Awaitable[None]]
START: Message = {"type": "http.response.start", "status": 200, "headers": []}
EVENTS: Message = {**START, "headers": [(b"content-type", b"text/event-stream")]}


def _scope(path: str = "/api/v1/ask") -> Scope:
    state = {"principal": CALLER, "request_id": "r"}
    headers = [(b"authorization", b"Bearer sk-x")]
    return {"type": "http", "method": "GET", "path": path, "headers": headers, "query_string": b"", "state": state}


async def _answered(known: Known, act: Act, then: Callable[[Fence], None], *, blind: float = 9.0) -> list[Message]:
    """What is sent by ``act``, and what is sent because ``then`` happened while it was at it."""
    fence, sent, begun = Fence(known, blind=blind), list[Message](), list[bool]()

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        begun.append(True)
        await act(scope, send)

    watching = asyncio.create_task(fence.watch())
    try:
        request = asyncio.create_task(fence.admit(app, _scope(), receive, send))
        await _until(lambda: begun)
        then(fence)
        await asyncio.wait_for(request, 8)
    finally:
        watching.cancel()
    return sent


def _run(known: Known, act: Act, then: Callable[[Fence], None], *, blind: float = 9.0) -> list[Message]:
    return asyncio.run(_answered(known, act, then, blind=blind))


async def _for_ever(_scope: Scope, send: Send) -> None:
    await send(EVENTS)
    await _never()


def _lost(known: Known, caller: Principal | None = None) -> Callable[[Fence], None]:
    def then(fence: Fence) -> None:
        known.caller = caller
        fence.ring()

    return then


def test_a_stream_ends_with_the_reason() -> None:
    known = Known()
    sent = _run(known, _for_ever, _lost(known))
    assert sent[0] == EVENTS
    assert sent[1]["body"].startswith(b"event: error\ndata: {")
    assert not sent[1].get("more_body")


def test_an_answer_of_another_kind_breaks_off() -> None:
    async def act(_scope: Scope, send: Send) -> None:
        await send(START)
        await _never()

    known = Known()
    assert _run(known, act, _lost(known)) == [START]


def test_another_name_ends_nothing_and_another_role_does() -> None:
    known = Known()

    async def act(_scope: Scope, send: Send) -> None:
        await send(EVENTS)
        await _until(lambda: known.asked)

    assert _run(known, act, _lost(known, replace(CALLER, name="Anna"))) == [EVENTS]
    changed = _lost(known, replace(CALLER, role=Role.AUDITOR))
    assert b"credential_ended" in _run(known, _for_ever, changed)[1]["body"]


def test_the_very_act_that_ends_a_credential_is_still_answered() -> None:
    known = Known()

    async def act(_scope: Scope, send: Send) -> None:
        await _until(lambda: known.asked)
        await send(START)

    assert _run(known, act, _lost(known)) == [START]


def test_an_answer_that_comes_later_than_that_is_not_given() -> None:
    async def act(_scope: Scope, send: Send) -> None:
        await _never()
        await send(START)

    known = Known()
    sent = _run(known, act, _lost(known))
    assert sent[0]["status"] == 401
    assert b"credential_ended" in sent[1]["body"]


def test_a_transaction_is_finished_and_its_answer_is_not_sent() -> None:
    finished = []
    known = Known()

    async def act(scope: Scope, send: Send) -> None:
        scope["state"]["transactions"] = 1
        await _until(lambda: known.asked)
        over = clock.monotonic() + GRACE + 2 * TICK
        await _until(lambda: clock.monotonic() > over)
        finished.append(True)
        scope["state"]["transactions"] = 0
        await send(START)

    sent = _run(known, act, _lost(known))
    assert finished
    assert [message.get("status") for message in sent] == [401, None]


def test_who_is_let_in_while_it_rings_is_looked_at_too() -> None:
    """Read before the change, told after it: the answer was old when it came."""
    known = Known()

    async def act(scope: Scope, send: Send) -> None:
        caller = scope["state"].pop("principal")
        await _until(lambda: known.caller is None)
        scope["state"]["principal"] = caller
        await _for_ever(scope, send)

    assert b"credential_ended" in _run(known, act, _lost(known))[1]["body"]


def test_while_nothing_is_heard_everybody_is_looked_at_all_the_time() -> None:
    known = Known(hears=False)

    def then(_fence: Fence) -> None:
        known.caller = None

    assert b"credential_ended" in _run(known, _for_ever, then)[1]["body"]


def test_what_ends_by_itself_is_noticed_without_a_bell() -> None:
    known = Known()

    async def act(scope: Scope, send: Send) -> None:
        ends = clock.now() + timedelta(seconds=0.1)
        scope["state"]["principal"] = replace(CALLER, ends=ends)
        known.caller = None
        await _for_ever(scope, send)

    assert b"credential_ended" in _run(known, act, lambda _fence: None)[1]["body"]


@pytest.mark.parametrize(("blind", "goes_on"), [(9.0, True), (0.2, False)])
def test_a_database_that_is_away_is_no_reason_for_a_moment_only(blind: float, goes_on: bool) -> None:
    known = Known()

    async def act(_scope: Scope, send: Send) -> None:
        await send(EVENTS)
        await _until(lambda: known.asked >= 3)

    def then(_fence: Fence) -> None:
        known.down, known.hears = True, False

    sent = _run(known, act, then, blind=blind)
    assert (sent == [EVENTS]) == goes_on


def test_a_stranger_s_request_is_nobody_s_to_end() -> None:
    known = Known()

    async def act(scope: Scope, send: Send) -> None:
        del scope["state"]["principal"]
        await _until(lambda: known.caller is None)
        await send(START)

    assert _run(known, act, _lost(known)) == [START]
    assert known.asked == 0


def test_a_bell_before_the_beginning_and_after_the_end_does_no_harm() -> None:
    known = Known()
    fence = Fence(known)
    fence.ring()

    async def once() -> None:
        watching = asyncio.create_task(fence.watch())
        await _until(lambda: fence._loop)
        watching.cancel()

    asyncio.run(once())
    fence.ring()
