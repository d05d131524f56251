"""No sentence is called supported that its source does not say."""

import pytest

from appliance.chat.attribution import attribute
from appliance.chat.denials import negative
from appliance.chat.evidence import pool
from appliance.chat.facts import measures, names, numbers
from tests.factories.sources import passage, pooled

TRIAL = (
    "The trial period is 2 months. There are two talks with your manager, after 3 weeks and after 7 weeks. "
    "Both sides may end the contract with a notice of one week."
)
LEAVE = "Every full-time employee has 27 days of paid annual leave. Carried-over days expire on 30 June."
PARKING = "Spaces 1 to 6 are for visitors. Bicycles must not stand at the railings."
CHINESE = "密码长度不得少于14个字符，并且不得与最近五次使用过的密码相同。"


@pytest.mark.parametrize(
    ("question", "answer", "support"),
    [
        ("How long is the trial period?", "The trial period is 2 months.", "The trial period is 2 months."),
        ("How long is the trial period?", "The trial period lasts two months.", "The trial period is 2 months."),
        ("How long is the trial period?", "2 months", "The trial period is 2 months."),
        (
            "How long is the trial period?",
            "According to passage 1, the trial period is 2 months [1].",
            "The trial period is",
        ),
        ("How long is the trial period?", "The document states that it is 2 months.", "The trial period is 2 months."),
        ("How long is the trial period?", "The trial period is 3 weeks.", None),
        ("How long is the trial period?", "The trial period is 6 months.", None),
        ("How much leave is there?", "Employees have 27 days of paid leave.", "Every full-time employee has 27 days"),
        ("How much leave is there?", "Employees in Paris have 27 days of paid leave.", None),
        ("When does the contract end?", "The notice is one month.", None),
        ("Who is the chairman?", "The chairman is Peter Smith.", None),
        ("How long is the trial period?", "How long is the trial period?", None),
        ("May bicycles stand at the railings?", "Bicycles must not stand at the railings.", "Bicycles must not"),
        ("May bicycles stand at the railings?", "Bicycles may stand at the railings there.", None),
        ("Where do bicycles go?", "Bicycles must stand at the railings.", None),
        ("密码至少要有多少个字符？", "密码不得少于14个字符。", CHINESE),
        ("密碼至少要有多少個字元？", "密碼不得少於14個字符。", CHINESE),
        ("密码至少要有多少个字符？", "密码不得少于12个字符。", None),
    ],
)
def test_a_sentence_is_supported_by_the_piece_that_says_it(question: str, answer: str, support: str | None) -> None:
    (one,) = attribute(answer, question, pooled(TRIAL, LEAVE, PARKING, CHINESE))

    if support is None:
        assert one.evidence is None
        assert not one.supported
    else:
        assert one.evidence is not None
        assert one.evidence.text.startswith(support)
        assert one.relevance > 0


def test_each_sentence_stands_for_itself() -> None:
    answer = "The trial period is 2 months. The moon is made of cheese."

    first, second = attribute(answer, "How long is the trial period?", pooled(TRIAL, LEAVE))

    assert (first.supported, second.supported) == (True, False)
    assert answer[second.piece.start : second.piece.end] == second.text == "The moon is made of cheese."


def test_a_name_may_stand_in_the_heading_above() -> None:
    ground = pool([passage("It has 20 seats.", headings=("Room Waal",))])

    (one,) = attribute("The room Waal has 20 seats.", "How many seats are there?", ground)

    assert one.supported


def test_the_piece_that_fits_the_question_wins_among_those_that_say_the_same() -> None:
    ground = pooled("The fee for parking is 15 EUR.", "The fee for a lost badge is 15 EUR.")

    (one,) = attribute("15 EUR", "What is the fee for a lost badge?", ground)

    assert one.evidence is not None
    assert one.evidence.text == "The fee for a lost badge is 15 EUR."


def test_without_passages_nothing_is_supported() -> None:
    assert not attribute("It is 2 months.", "How long?", pool([]))[0].supported


def test_a_number_of_a_table_takes_any_unit_and_a_number_with_a_unit_only_that() -> None:
    assert attribute("The PT-45H costs 538 EUR.", "What is the price?", pooled("| PT-45H | 538 |"))[0].supported
    assert attribute("Within 2 hours.", "How soon?", pooled("Report it within 2 hours."))[0].supported
    assert not attribute("Within 2 days.", "How soon?", pooled("Report it within 2 hours."))[0].supported
    assert not attribute("4471 days.", "When?", pooled("Ring 4471, day or night."))[0].supported
    assert not attribute("在2天内。", "多久？", pooled("应在2小时内报告。"))[0].supported


def test_measures_are_numbers_with_their_units() -> None:
    assert measures("two days, 3.5 kg and 16小时, 7 dwarfs") == {("2", "day"), ("3.5", "kg"), ("16", "小时")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,200 EUR at 08:30", {"1200", "8:30"}),
        ("two of １２", {"2", "12"}),
        ("0.23 and 3.8.2", {"0.23", "3.8.2"}),
        ("none here", set()),
    ],
)
def test_numbers_are_alike_however_they_are_written(text: str, expected: set[str]) -> None:
    assert numbers(text) == expected


def test_names_are_codes_and_capitals_inside_a_sentence() -> None:
    assert names("The XR-200 was sold by Annelies Verbruggen.") == {"xr-200", "annelies", "verbruggen"}


@pytest.mark.parametrize(
    ("text", "expected"), [("It isn't", True), ("不得外传", True), ("It is a note", False), ("可以", False)]
)
def test_denial_is_seen(text: str, *, expected: bool) -> None:
    assert negative(text) is expected
