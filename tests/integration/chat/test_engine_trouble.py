"""Whatever the engine does, the documents answer, and nothing is left running or pending."""

from contextlib import aclosing
from uuid import UUID

import anyio
from sqlalchemy import update
from sqlalchemy.pool import QueuePool

from appliance.chat.answering import Answering
from appliance.chat.prepared import Asking
from appliance.drivers.vllm.arguments import EngineSettings
from appliance.serving.tables import DeploymentRow
from tests.factories.deployments import pretend
from tests.integration.chat.asking import TRIAL, ask, events_of, kept
from tests.integration.chat.conftest import Desk, People


def test_with_the_engine_down_the_documents_answer(desk: Desk, people_of: People) -> None:
    desk.stop_engine()

    done = ask(desk, people_of.one, TRIAL)

    assert (done["mode"], done["provenance"]["reason"]) == ("quoted", "engine")


def test_a_model_that_does_not_speak_the_language_is_named_as_the_reason_even_when_it_is_down(
    desk: Desk, people_of: People
) -> None:
    desk.stop_engine()

    assert ask(desk, people_of.one, "密码至少要有多少个字符？")["provenance"]["reason"] == "language"


def test_an_engine_that_breaks_off_is_replaced(desk: Desk, people_of: People) -> None:
    desk.says("The trial", breaks=True)

    events = events_of(desk, people_of.one, TRIAL)

    assert "replaced" in [event.name for event in events]
    assert (events[-1].data["mode"], events[-1].data["provenance"]["reason"]) == ("quoted", "engine")


def test_a_full_engine_is_replaced(desk: Desk, people_of: People) -> None:
    desk.says("")
    desk.upstream.says.status = 503

    assert ask(desk, people_of.one, TRIAL)["provenance"]["reason"] == "engine"


def test_an_engine_that_takes_too_long_is_replaced_and_aborted(desk: Desk, people_of: People) -> None:
    desk.says("The trial", hangs=True)
    answering = Answering(desk.databases.app, desk.retrieval, desk.answering._engines, patience=0.2)
    hurried = Desk(answering, desk.retrieval, desk.upstream, desk.databases, desk.records)

    assert ask(hurried, people_of.one, TRIAL)["provenance"]["reason"] == "engine"
    assert desk.upstream.left == 1


def test_no_session_is_held_while_the_engine_is_waited_for(desk: Desk, people_of: People) -> None:
    held: list[int] = []
    desk.says("The trial period is 2 months.")
    connections = desk.databases.app.engine.pool
    assert isinstance(connections, QueuePool)
    desk.upstream.watch = lambda: held.append(connections.checkedout())

    ask(desk, people_of.one, TRIAL)

    assert held == [0]


def test_a_caller_who_leaves_aborts_the_engine_and_interrupts_the_answer(desk: Desk, people_of: People) -> None:
    desk.says("The trial", hangs=True)
    started: list[UUID] = []

    async def leave() -> None:
        prepared = await desk.answering.prepare(Asking(TRIAL), people_of.one)
        started.append(prepared.pending.conversation)
        async with aclosing(desk.answering.stream(prepared)) as stream:
            async for event in stream:
                if event.name == "delta":
                    break

    anyio.run(leave)

    assert desk.upstream.left == 1
    assert [message.state for message in kept(desk, people_of.one, started[0])] == ["done", "interrupted"]
    assert [record.outcome for record in desk.records] == ["aborted"]


def test_a_context_without_room_for_a_passage_is_not_asked(desk: Desk, people_of: People) -> None:
    with desk.databases.operator.session() as session:
        session.execute(update(DeploymentRow).values(engine=EngineSettings(context=256).to_json()))
    with desk.databases.system.session() as session:
        pretend(session)

    done = ask(desk, people_of.one, TRIAL)

    assert (done["mode"], done["answer"]) == ("quoted", "The trial period is 2 months.")
    assert desk.upstream.asked == []
