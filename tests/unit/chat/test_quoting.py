"""The sentence that answers is found, and none where none does."""

import pytest

from appliance.chat.evidence import pool
from appliance.chat.following import Leaning
from appliance.chat.quoting import MOST, MOST_READ, chosen, enough, ranked, worth_reading
from tests.factories.sources import passage, pooled

GROUND = (
    "Every full-time employee has 27 days of paid annual leave. Part-time employees receive fewer.",
    "The trial period is 2 months. There are two talks with your manager, after 3 weeks and after 7 weeks.",
    "| Occasion | Days |\n| --- | --- |\n| Own wedding | 2 |\n| Moving house | 1 |",
    "公司每年給予2日有薪公益假，供同仁參與淨灘。申請時須附主辦單位證明。",
    "| 陪产假 | 15天 |\n| 产假 | 158天 |",
)


def best(question: str, *texts: str) -> str:
    return ranked(Leaning(question), pooled(*(texts or GROUND)))[0].evidence.text


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many days of annual leave does an employee have?", "Every full-time employee has 27 days"),
        ("How long is the trial period?", "The trial period is 2 months."),
        ("How many days do I get for moving house?", "| Moving house | 1 |"),
        ("公司每年给几日有薪公益假？", "公司每年給予2日有薪公益假，供同仁參與淨灘。"),
        ("产假有多少天？", "| 产假 | 158天 |"),
    ],
)
def test_the_sentence_that_answers_comes_first(question: str, expected: str) -> None:
    assert best(question).startswith(expected)


def test_where_a_number_is_asked_for_a_sentence_with_one_is_preferred() -> None:
    assert "30" in best("What is the limit?", "The limit is set by the board.", "The limit is 30 EUR.")


def test_headings_tell_what_a_sentence_is_about() -> None:
    ground = pool(
        [
            passage("It has 20 seats.", name="a.md", headings=("Room Waal",)),
            passage("It has 12 seats.", name="b.md", headings=("Room Maas",)),
        ]
    )

    assert ranked(Leaning("How many seats has Maas?"), ground)[0].evidence.text == "It has 12 seats."


def test_the_question_before_decides_between_equals() -> None:
    ground = pooled("The XR-200 weighs 2 kg.", "The PT-45 weighs 1 kg.")

    first = ranked(Leaning("And how much does it weigh?", "What is the range of the PT-45?"), ground)[0]

    assert first.evidence.text == "The PT-45 weighs 1 kg."


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Can I bring my dog to work?", "en"),
        ("Who is the chairman of the board?", "en"),
        ("可以带宠物上班吗？", "zh-Hans"),
    ],
)
def test_what_the_documents_do_not_tell_is_not_quoted(question: str, language: str) -> None:
    ground = pooled(*GROUND)

    assert chosen(ranked(Leaning(question), ground), ground, enough(language)) == ()


def test_without_passages_nothing_is_quoted() -> None:
    assert chosen(ranked(Leaning("How long?"), pool([])), pool([]), 0.0) == ()


def test_documents_that_contradict_each_other_are_both_quoted() -> None:
    ground = pool(
        [
            passage("The hotel limit is 140 EUR per night. Another rule.", name="expenses.md"),
            passage("The hotel limit is 160 EUR per night.", name="travel.md"),
        ]
    )

    answer = chosen(ranked(Leaning("What is the hotel limit per night?"), ground), ground, enough("en"))

    assert {quote.evidence.text for quote in answer} == {
        "The hotel limit is 140 EUR per night.",
        "The hotel limit is 160 EUR per night.",
    }


def test_no_more_than_a_few_are_quoted_and_the_same_sentence_once() -> None:
    ground = pool([passage(f"The limit is {number} EUR.", name=f"{number}.md") for number in (1, 1, 2, 3, 4, 5)])

    answer = chosen(ranked(Leaning("What is the limit?"), ground), ground, 0.0)

    assert len(answer) == MOST
    assert len({quote.evidence.text for quote in answer}) == MOST


def test_the_model_reads_passages_that_say_something_best_first() -> None:
    ground = pool(
        [
            passage("Nothing of the kind stands here.", name="a.md"),
            passage("The fee for a badge is due.", name="b.md"),
            passage("The fee for a lost badge is 15 EUR.", name="c.md"),
        ]
    )

    read = worth_reading(ranked(Leaning("What is the fee for a badge?"), ground), ground)

    assert [source.name for source in read] == ["c.md", "b.md"]


def test_the_model_reads_no_more_than_a_few_passages() -> None:
    ground = pool([passage(f"The fee is {number} EUR.", name=f"{number}.md") for number in range(9)])

    assert len(worth_reading(ranked(Leaning("What is the fee?"), ground), ground)) == MOST_READ
    assert worth_reading([], ground) == ()


def test_a_product_that_no_document_knows_is_not_answered_for() -> None:
    ground = pooled("The warranty of the XR-200 is 36 months.")
    question = "How long is the warranty of the {}?"

    assert chosen(ranked(Leaning(question.format("XR-200")), ground), ground, enough("en"))
    assert not chosen(ranked(Leaning(question.format("XR-900")), ground), ground, enough("en"))
    assert not chosen(ranked(Leaning("XR-900的保修期多长？"), ground), ground, enough("zh-Hans"))


def test_a_place_of_which_the_passage_does_not_speak_counts_against_it() -> None:
    ground = pooled("In Rotterdam the canteen opens at 11.", "The canteen opens at 12.")

    assert [quote.score > 0.9 for quote in ranked(Leaning("When does the canteen in Rotterdam open?"), ground)] == [
        True,
        False,
    ]


def test_a_tables_first_row_and_a_line_of_particulars_say_little() -> None:
    ground = pooled("| Product | XR-200 |\n| Mass | 2 kg |", "XR-200 · edition 3 · 2026", "The XR-200 is blue.")

    assert ranked(Leaning("Which is the XR-200?"), ground)[0].evidence.text == "The XR-200 is blue."


def test_a_piece_that_says_it_in_the_glossarys_words_answers() -> None:
    ground = pooled("Each employee has 25 days of paid time off.", "The canteen opens at noon.")
    question = Leaning("How many days of PTO does an employee have?")
    plain = ranked(question, ground)[0].score
    told = ranked(question, ground, [("pto", ("paid time off", "带薪年假"))])[0]
    assert told.evidence.text.endswith("paid time off.")
    assert told.score > plain + 0.1
    assert ranked(question, ground, [("QA", ("paid time off",))])[0].score == plain
