"""Documents that give different values for the same thing are said to contradict each other, and no others."""

import pytest

from appliance.chat import answer as answers
from appliance.chat.attribution import attribute
from appliance.chat.contradiction import contradict
from appliance.chat.evidence import pool
from appliance.chat.following import Leaning
from appliance.chat.quoting import ranked
from tests.factories.sources import passage, pooled

HOTEL = "What is the hotel limit per night?"
LOW = "The hotel limit of 140 EUR per night applies in all cities of the European Union."
HIGH = "The hotel limit in cities of the European Union is 160 EUR per night."


@pytest.mark.parametrize(
    ("one", "other", "question", "expected"),
    [
        (LOW, HIGH, HOTEL, True),
        (LOW, "The hotel limit is 140 EUR per night in the European Union.", HOTEL, False),
        (LOW, "A lost badge costs 15 EUR.", HOTEL, False),
        ("The warranty of the XR-200 is 36 months.", "The warranty of the PT-45 is 24 months.", "How long?", False),
        ("Leave must be used by 30 June.", "Leave must be used by 31 March.", "Until when?", True),
        ("产假为158天。", "产假为128天。", "产假有多少天？", True),
        ("产假为158天。", "产假有一百五十八天。", "产假有多少天？", False),
        ("| Hotel, per night | 140 EUR |", "The hotel limit is 160 EUR per night.", HOTEL, True),
    ],
)
def test_two_documents_contradict_by_their_values(*, one: str, other: str, question: str, expected: bool) -> None:
    ground = pooled(one, other)

    assert contradict(ground.evidence[0], ground.evidence[1], question, ground) is expected


def test_one_document_does_not_contradict_itself() -> None:
    ground = pool([passage(LOW), passage(HIGH)])

    assert not contradict(ground.evidence[0], ground.evidence[1], HOTEL, ground)


def test_a_quoted_answer_says_so_and_shows_both() -> None:
    ground = pooled(LOW, HIGH)

    answer = answers.quoted(ranked(Leaning(HOTEL), ground), ground, "asked", HOTEL)

    assert {sentence.text: sentence.contradicted_by for sentence in answer.sentences} == (
        {LOW: (2,), HIGH: (1,)} if answer.sentences[0].text == LOW else {HIGH: (2,), LOW: (1,)}
    )
    assert answer.text.splitlines()[-1] == "The documents contradict each other."


def test_a_composed_answer_that_tells_both_says_so() -> None:
    ground = pooled("产假为158天。", "产假为128天。")
    text = "产假为158天。产假为128天。"

    answer = answers.composed(text, attribute(text, "产假有多少天？", ground), ground, "产假有多少天？")

    assert [sentence.contradicted_by for sentence in answer.sentences] == [(2,), (1,)]
    assert answer.text == f"{text}\n各文档的说法互相矛盾。"
