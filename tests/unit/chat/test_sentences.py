"""Passages are cut into what can be quoted alone, whatever wrote them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.chat.sentences import finished, pieces, width


def cut(text: str) -> list[str]:
    return [text[piece.start : piece.end] for piece in pieces(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  \n \n", []),
        ("One sentence. And two!", ["One sentence.", "And two!"]),
        (
            "It weighs 3.5 kg. Dr. Meyer, e.g. in Fig. 7, agrees.",
            ["It weighs 3.5 kg.", "Dr. Meyer, e.g. in Fig. 7, agrees."],
        ),
        ("He said “Stop.” Then he left.", ["He said “Stop.”", "Then he left."]),
        ("密码不少于14位。请勿外传！", ["密码不少于14位。", "请勿外传！"]),
        ("颱風天停班，工資照給。「好。」他說。", ["颱風天停班，工資照給。", "「好。」", "他說。"]),
        ("满一年的，10天；满十年的，15天。完。", ["满一年的，10天；满十年的，15天。", "完。"]),
        ("甲" * 170 + "；乙。", ["甲" * 170 + "；", "乙。"]),
        ("# Leave\n\nYou have 27 days.", ["Leave", "You have 27 days."]),
        ("- first thing\n- second thing\n1. third\n2) fourth", ["first thing", "second thing", "third", "fourth"]),
        ("一、适用范围\n（二）病假\n3、事假", ["适用范围", "病假", "事假"]),
        ("| Room | Seats |\n| --- | --- |\n| Waal | 20 |", ["| Room | Seats |", "| Waal | 20 |"]),
        ("Room\tSeats\nWaal\t20", ["Room\tSeats", "Waal\t20"]),
        ("3.5 kg is the mass.", ["3.5 kg is the mass."]),
    ],
)
def test_a_passage_is_cut_into_what_can_be_quoted_alone(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


def test_a_line_that_the_page_wrapped_goes_on_in_the_next() -> None:
    text = (
        "Remove paint and rust over an area twice as large as the transducer\n"
        "and apply a bead of gel along the whole face. Set the distance as\n"
        "shown.\n"
        "E-07 signal too weak\n"
        "E-11 pipe not full\n"
    )

    assert cut(text) == [
        text[: text.index(" Set the distance")],
        "Set the distance as\nshown.",
        "E-07 signal too weak",
        "E-11 pipe not full",
    ]


def test_narrow_text_was_not_wrapped() -> None:
    assert cut("Monday closed\nTuesday open") == ["Monday closed", "Tuesday open"]


def test_kinds_are_told_apart() -> None:
    assert [piece.kind for piece in pieces("## A\n\nText.\n\n- item\n\n| a | b |")] == [
        "heading",
        "sentence",
        "item",
        "row",
    ]


def test_the_last_piece_of_a_growing_answer_is_not_finished() -> None:
    assert finished("The trial period is 2") == []
    text = "It is 2 months. Both sides"
    assert [text[piece.start : piece.end] for piece in finished(text)] == ["It is 2 months."]


def test_an_ideograph_is_two_columns_wide() -> None:
    assert width("ab保固") == 6


@given(st.text(alphabet="ab .。；\n|#-1A保\t", max_size=80))
def test_pieces_lie_in_order_and_hold_visible_text_only_at_their_ends(text: str) -> None:
    before = 0
    for piece in pieces(text):
        assert before <= piece.start < piece.end <= len(text)
        body = text[piece.start : piece.end]
        assert body == body.strip()
        before = piece.end
