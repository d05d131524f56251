"""Questions that lean on the one before."""

import pytest

from appliance.chat.following import FARTHEST, condense

BEFORE = ["What is the fee?", "How long is the warranty of the XR-200?"]


@pytest.mark.parametrize(
    "question",
    [
        "Does it cover batteries?",
        "How quickly must I do that?",
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


REPLACED = [
    ("And for the PT-45?", BEFORE, "How long is the warranty of the PT-45?"),
    ("what about xr-200s", BEFORE, "How long is the warranty of the xr-200s?"),
    ("And in December?", ["When is the salary of May paid?"], "When is the salary of December paid?"),
    ("And Waal?", ["How many seats has the room Maas?"], "How many seats has the room Waal?"),
    ("三号线呢？", ["一号线班车几点发车？"], "三号线班车几点发车？"),
    ("那PT-45呢", ["XR-200在台灣的定價是多少？"], "PT-45在台灣的定價是多少？"),
    ("Is it lighter than the PT-45?", BEFORE, BEFORE[-1]),
    ("And for repairs?", BEFORE, BEFORE[-1]),
]


@pytest.mark.parametrize(("question", "before", "carried"), REPLACED)
def test_what_is_named_takes_the_place_of_the_thing_before(question: str, before: list[str], carried: str) -> None:
    assert condense(question, before).earlier == carried


def test_a_chain_goes_back_to_the_question_that_stands_alone_and_no_further() -> None:
    chain = [*BEFORE, "Does it cover batteries?", "And of the PT-45?"]
    assert condense("Why?", chain).earlier == "How long is the warranty of the PT-45?"
    assert condense("Why?", [*chain, "What does the canteen cost?"]).earlier == "What does the canteen cost?"
    assert condense("Why?", [BEFORE[-1], *["Why?"] * FARTHEST]).earlier == "Why?"
