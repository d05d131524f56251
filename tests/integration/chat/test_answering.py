"""The life of a question, on a real database, with an engine that says what it is told to say."""

from contextlib import aclosing
from typing import Any
from uuid import UUID

import anyio
import pytest

from appliance.access.principal import Principal
from appliance.chat.answering import Answering, Asking, Event
from appliance.chat.errors import ConversationNotFound, MessageSettled
from appliance.chat.prompt import VERSION
from appliance.chat.service import Conversations, Message
from appliance.kit.errors import NotFound
from tests.factories.sources import passage
from tests.integration.chat.conftest import CHINESE, WARRANTY, Desk, People

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


def test_a_composed_answer_is_told_while_it_grows_and_kept_with_its_citation(desk: Desk, people_of: People) -> None:
    desk.says("The warranty of the XR-200 is 36 months.")

    events = events_of(desk, people_of.one, "How long is the warranty of the XR-200?")

    assert [event.name for event in events if event.name != "delta"] == ["status"] * 3 + ["sentence", "done"]
    assert "".join(event.data["text"] for event in events if event.name == "delta") == desk_answer(events)
    (sentence,) = (event.data for event in events if event.name == "sentence")
    done = events[-1].data
    assert done["mode"] == "composed"
    assert sentence["supported"] is True
    assert sentence["citations"] == done["citations"]
    (citation,) = done["citations"]
    quote = "The warranty of the XR-200 is 36 months."
    assert citation["quote"] == quote
    assert (citation["document"], citation["page"], citation["line"]) == ("warranty.pdf", 3, 13)
    begin = WARRANTY.index(quote)
    assert (citation["start"], citation["end"]) == (100 + begin, 100 + begin + len(quote))
    assert citation["headings"] == ["Warranty"]
    question, answer = kept(desk, people_of.one, done["conversation"])
    assert (question.role, question.content) == ("user", "How long is the warranty of the XR-200?")
    assert (answer.state, answer.mode, answer.content, str(answer.id)) == ("done", "composed", quote, done["message"])
    assert answer.citations[0].quote == quote
    assert answer.citations[0].headings == ("Warranty",)
    assert answer.sentences[0].citations == (1,)
    assert answer.provenance == done["provenance"]
    assert answer.provenance["prompt_version"] == VERSION
    assert answer.provenance["model_digest"]
    assert answer.finished_at is not None
    assert {"total_ms", "answer_ms", "first_token_ms"} <= done["timings"].keys()


def desk_answer(events: list[Event]) -> str:
    """The answer that stands at the end."""
    return str(events[-1].data["answer"])


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("The trial period is 9 months.", "unsupported"),
        ("There are two talks with your manager, after 3 weeks and after 7 weeks.", "off_the_point"),
        ("", "unsupported"),
    ],
)
def test_what_the_documents_do_not_say_is_replaced_by_their_own_words(
    desk: Desk, people_of: People, said: str, reason: str
) -> None:
    desk.says(said)

    events = events_of(desk, people_of.one, TRIAL)

    (replaced,) = (event.data for event in events if event.name == "replaced")
    assert replaced == {"mode": "quoted", "answer": "The trial period is 2 months.", "reason": reason}
    done = events[-1].data
    assert (done["mode"], done["answer"]) == ("quoted", "The trial period is 2 months.")
    assert done["provenance"]["model"] == "tiny-instruct"


def test_documents_that_contradict_each_other_are_both_shown(desk: Desk, people_of: People) -> None:
    desk.says("The hotel limit is 160 EUR per night.")

    done = ask(desk, people_of.one, "What is the hotel limit per night in the European Union?")

    assert done["provenance"]["reason"] == "contradiction"
    assert {citation["document"] for citation in done["citations"]} == {"expenses.md", "travel.html"}


@pytest.mark.parametrize("script", ["密码至少要有多少个字符？", "密碼至少要有多少個字符？"])
def test_a_language_that_the_model_does_not_speak_is_quoted(desk: Desk, people_of: People, script: str) -> None:
    done = ask(desk, people_of.one, script)

    assert (done["mode"], done["answer"], done["provenance"]["reason"]) == ("quoted", CHINESE, "language")
    assert done["provenance"]["model"] is None
    assert desk.upstream.asked == []


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("Can I bring my dog to work?", "The documents do not tell."),
        ("可以带宠物上班吗？", "文档中没有说明。"),
        ("公司有沒有健身房？", "文件中沒有說明。"),
    ],
)
def test_what_no_document_tells_is_said_in_the_language_of_the_question(
    desk: Desk, people_of: People, question: str, told: str
) -> None:
    done = ask(desk, people_of.one, question)

    assert (done["mode"], done["answer"], done["citations"]) == ("none", told, [])
    assert done["sentences"] == [{"text": told, "supported": False, "citations": []}]
    assert desk.upstream.asked == []


def test_who_asks_for_quotes_gets_quotes(desk: Desk, people_of: People) -> None:
    done = ask(desk, people_of.one, TRIAL, quoted_only=True)

    assert (done["mode"], done["provenance"]["reason"]) == ("quoted", "asked")
    assert desk.upstream.asked == []


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
    desk.upstream.watch = lambda: held.append(desk.databases.app.engine.pool.checkedout())  # type: ignore[attr-defined] # QueuePool

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


def test_a_conversation_deleted_meanwhile_keeps_nothing(desk: Desk, people_of: People) -> None:
    desk.says("The trial period is 2 months.")

    async def run() -> None:
        prepared = await desk.answering.prepare(Asking(TRIAL), people_of.one)
        with desk.databases.app.session(people_of.one.tenant) as session:
            Conversations(session, people_of.one).remove(prepared.pending.conversation)
        async with aclosing(desk.answering.stream(prepared)) as stream:
            async for _ in stream:
                pass

    with pytest.raises(MessageSettled):
        anyio.run(run)


def test_a_question_that_leans_on_the_one_before_is_searched_with_it(desk: Desk, people_of: People) -> None:
    desk.stop_engine()
    first = ask(desk, people_of.one, "How long is the warranty of the XR-200?")

    second = ask(desk, people_of.one, "And for the PT-45?", conversation=UUID(first["conversation"]))

    assert desk.retrieval.searched[-1] == "How long is the warranty of the XR-200? And for the PT-45?"
    assert second["answer"] == "The warranty of the PT-45 is 24 months."
    assert second["conversation"] == first["conversation"]
    assert [message.role for message in kept(desk, people_of.one, first["conversation"])] == ["user", "assistant"] * 2


def test_the_prompt_holds_the_passage_and_the_tenants_salt(desk: Desk, people_of: People) -> None:
    desk.says("The trial period is 2 months.")

    ask(desk, people_of.one, TRIAL)

    (body,) = desk.upstream.asked
    assert "The trial period is 2 months." in body["messages"][1]["content"]
    assert body["cache_salt"]
    assert body["temperature"] == 0


@pytest.mark.parametrize("who", ["colleague", "stranger"])
def test_another_persons_conversation_is_not_found_and_nothing_is_written(
    desk: Desk, people_of: People, who: str
) -> None:
    desk.stop_engine()
    mine = UUID(ask(desk, people_of.one, TRIAL)["conversation"])

    with pytest.raises(ConversationNotFound):
        ask(desk, getattr(people_of, who), "And?", conversation=mine)

    assert len(kept(desk, people_of.one, mine)) == 2


def test_a_collection_that_is_not_there_is_refused_before_anything_is_written(desk: Desk, people_of: People) -> None:
    with pytest.raises(NotFound):
        ask(desk, people_of.one, TRIAL, collections=("nowhere",))

    with desk.databases.app.session(people_of.one.tenant) as session:
        assert Conversations(session, people_of.one).list(None, 10).items == ()


def test_what_was_deleted_while_the_answer_grew_is_not_kept(desk: Desk, people_of: People) -> None:
    desk.says("The trial period is 2 months.")
    desk.retrieval.deleted.add(passage("", name="onboarding.md").document)

    done = ask(desk, people_of.one, TRIAL)

    assert (done["mode"], done["provenance"]["reason"], done["citations"]) == ("none", "deleted", [])
    assert "2 months" not in kept(desk, people_of.one, done["conversation"])[1].content
