"""Asking in tests: gathers the events of an answer, and what the database holds of it."""

from contextlib import aclosing
from typing import Any
from uuid import UUID

import anyio

from appliance.access.principal import Principal
from appliance.chat.prepared import Asking, Event
from appliance.chat.service import Conversations, Message
from tests.integration.chat.conftest import Desk

TRIAL = "How long is the trial period?"


def events_of(
    desk: Desk,
    principal: Principal,
    question: str,
    *,
    collections: tuple[str, ...] | None = None,
    conversation: UUID | None = None,
    quoted_only: bool = False,
) -> list[Event]:
    """Ask, and gather all events."""
    asking = Asking(question, collections, conversation, quoted_only)

    async def run() -> list[Event]:
        prepared = await desk.answering.prepare(asking, principal)
        async with aclosing(desk.answering.stream(prepared)) as stream:
            return [event async for event in stream]

    return anyio.run(run)


def ask(
    desk: Desk,
    principal: Principal,
    question: str,
    *,
    collections: tuple[str, ...] | None = None,
    conversation: UUID | None = None,
    quoted_only: bool = False,
) -> dict[str, Any]:
    """Ask, and return the whole answer."""
    events = events_of(
        desk, principal, question, collections=collections, conversation=conversation, quoted_only=quoted_only
    )
    assert events[-1].name == "done"
    return events[-1].data


def kept(desk: Desk, principal: Principal, conversation: str | UUID) -> tuple[Message, ...]:
    """What the database holds of a conversation."""
    with desk.databases.app.session(principal.tenant) as session:
        return Conversations(session, principal).messages(UUID(str(conversation)), None, 50).items
