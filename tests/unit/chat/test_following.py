"""Questions that lean on the one before."""

import pytest

from appliance.chat.following import condense

BEFORE = ["What is the fee?", "How long is the warranty of the XR-200?"]


@pytest.mark.parametrize(
    "question",
    [
        "And for the PT-45?",
        "Does it cover batteries?",
        "Why?",
        "What about repairs?",
        "那电池呢？",
        "它的精度是多少？",
        "運費呢",
    ],
)
def test_a_question_that_leans_takes_the_last_one_along(question: str) -> None:
    leaning = condense(question, BEFORE)

    assert leaning.earlier == BEFORE[-1]
    assert leaning.search == f"{BEFORE[-1]} {question}"


@pytest.mark.parametrize("question", ["How many days of annual leave are there?", "年终奖什么时候发放？"])
def test_a_question_that_stands_alone_is_left_alone(question: str) -> None:
    assert condense(question, BEFORE).search == question


def test_the_first_question_leans_on_nothing() -> None:
    assert condense("And for the PT-45?", []).earlier == ""
