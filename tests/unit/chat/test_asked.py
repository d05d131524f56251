"""What a question asks for."""

import pytest

from appliance.chat.asked import Kind, asked, fits
from appliance.knowledge.terms import terms


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many days of leave are there?", "number"),
        ("When is the salary paid?", "number"),
        ("Who approves claims?", "person"),
        ("Which room is the largest?", "any"),
        ("产假有多少天？", "number"),
        ("最大的會議室是哪一間？", "any"),
        ("报销单由谁审批？", "person"),
    ],
)
def test_a_question_asks_for_a_kind_of_thing(question: str, kind: Kind) -> None:
    assert asked(question).kind == kind


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many days of leave do I get?", "days leave"),
        ("密码至少要有多少个字符？", "密码至少要 个字符"),
        ("What is the XR-200?", "XR-200"),
    ],
)
def test_words_that_only_ask_are_not_looked_for(question: str, expected: str) -> None:
    assert asked(question).terms.keys() == frozenset(terms(expected))


def test_a_question_of_nothing_but_asking_words_keeps_them() -> None:
    assert asked("什么时候？").terms


@pytest.mark.parametrize(
    ("question", "piece", "expected"),
    [
        ("How many days are there?", "There are 27 days.", 1.0),
        ("How many days are there?", "There are days.", -1.0),
        ("How many days in 2026?", "In 2026 it depends.", -1.0),
        ("How many days are there?", "E-11: the XR200 is not full.", -1.0),
        ("How often is it checked?", "It is checked every Friday.", 1.0),
        ("P2证书多久复审一次？", "证书每两年复审。", 1.0),
        ("Who approves it?", "It is approved by Annelies Verbruggen.", 1.0),
        ("Who approves it?", "It is approved by somebody.", -1.0),
        ("由谁审批？", "由财务总监审批。", 0.0),
        ("Which room?", "Any room.", 0.0),
    ],
)
def test_a_piece_holds_the_kind_of_thing_that_is_asked_for(question: str, piece: str, expected: float) -> None:
    assert fits(asked(question), piece) == expected


def test_a_compound_weighs_as_one_word() -> None:
    shares = asked("Which Wi-Fi is public?").terms

    assert shares["public"] == 1.0
    assert sum(shares[term] for term in ("wifi", "wi", "fi")) == pytest.approx(1.0)


def test_codes_and_names_of_a_question_are_known() -> None:
    question = asked("What does the XR-200S cost in Taichung?")

    assert question.codes == {"xr200s"}
    assert question.names == (frozenset(terms("Taichung")),)
