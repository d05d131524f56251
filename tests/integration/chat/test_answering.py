"""The life of a question, on a real database, with an engine that says what it is told to say."""

from contextlib import aclosing
from uuid import UUID

import anyio
import pytest

from appliance.chat.errors import ConversationNotFound, MessageSettled
from appliance.chat.prepared import Asking
from appliance.chat.prompt import VERSION
from appliance.chat.service import Conversations
from appliance.kit.errors import NotFound
from appliance.knowledge.boxes import Box
from tests.factories.sources import passage
from tests.integration.chat.asking import TRIAL, ask, events_of, kept
from tests.integration.chat.conftest import CHINESE, WARRANTY, Desk, People


def test_a_composed_answer_is_told_while_it_grows_and_kept_with_its_citation(desk: Desk, people_of: People) -> None:
    desk.says("The warranty of the XR-200 is 36 months.")

    events = events_of(desk, people_of.one, "How long is the warranty of the XR-200?")

    assert [event.name for event in events if event.name != "delta"] == ["status"] * 3 + ["sentence", "done"]
    assert "".join(event.data["text"] for event in events if event.name == "delta") == events[-1].data["answer"]
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
    assert citation["confidence"] == 0.7
    at = f"/api/v1/documents/{citation['document_id']}/original?revision_id={citation['revision_id']}#page=3"
    assert citation["original"] == at
    assert citation["boxes"] == [{"page": 3, "x0": 0.1, "y0": 0.13, "x1": 0.6, "y1": 0.15}]
    question, answer = kept(desk, people_of.one, done["conversation"])
    assert (question.role, question.content) == ("user", "How long is the warranty of the XR-200?")
    assert (answer.state, answer.mode, answer.content, str(answer.id)) == ("done", "composed", quote, done["message"])
    assert (answer.citations[0].quote, answer.citations[0].confidence) == (quote, 0.7)
    assert answer.citations[0].headings == ("Warranty",)
    assert answer.citations[0].boxes == (Box(3, 0.1, 0.13, 0.6, 0.15),)
    assert answer.sentences[0].citations == (1,)
    assert answer.provenance == done["provenance"]
    assert answer.provenance["prompt_version"] == VERSION
    assert answer.provenance["model_digest"]
    assert answer.finished_at is not None
    assert {"total_ms", "answer_ms", "first_token_ms"} <= done["timings"].keys()


def test_each_sentence_is_told_when_the_next_begins(desk: Desk, people_of: People) -> None:
    desk.says("The trial period is 2 months. There are two talks with your manager. Dogs are welcome.")

    events = events_of(desk, people_of.one, TRIAL)

    names = [event.name for event in events]
    assert names.index("sentence") < len(names) - 1 - names[::-1].index("delta")
    told = [event.data for event in events if event.name == "sentence"]
    assert [one["supported"] for one in told] == [True, True, False]
    assert [one["index"] for one in told] == [0, 1, 2]
    assert events[-1].data["mode"] == "composed"


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
    assert [one["contradicted_by"] for one in done["sentences"]] == [[2], [1]]
    assert done["answer"].endswith("\nThe documents contradict each other.")
    _, answer = kept(desk, people_of.one, done["conversation"])
    assert [one.contradicted_by for one in answer.sentences] == [(2,), (1,)]


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
    assert done["sentences"] == [{"text": told, "supported": False, "citations": [], "contradicted_by": []}]
    assert desk.upstream.asked == []


def test_who_asks_for_quotes_gets_quotes(desk: Desk, people_of: People) -> None:
    done = ask(desk, people_of.one, TRIAL, quoted_only=True)

    assert (done["mode"], done["provenance"]["reason"]) == ("quoted", "asked")
    assert desk.upstream.asked == []


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

    assert desk.retrieval.searched[-1] == "How long is the warranty of the PT-45? And for the PT-45?"
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
