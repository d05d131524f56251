"""Pieces of passages, their context and the weight of their terms."""

from appliance.chat.evidence import pool
from tests.factories.sources import passage, pooled


def test_evidence_stands_at_its_place_in_the_passage() -> None:
    text = "# Leave\n\nYou have 27 days. Ask early."
    found = pool([passage(text)]).evidence

    assert [one.text for one in found] == ["You have 27 days.", "Ask early."]
    assert all(text[one.piece.start : one.piece.end] == one.text for one in found)


def test_headings_support_nothing_but_give_context() -> None:
    (one,) = pool([passage("It is 2 months.", headings=("Trial period",))]).evidence

    assert "trial" in one.context
    assert "trial" not in one.terms


def test_a_heading_that_looks_like_a_sentence_is_told_by_the_headings_of_the_passage() -> None:
    (one,) = pool([passage("Trial  period\n\nIt is 2 months.", headings=("Trial period",))]).evidence

    assert one.text == "It is 2 months."


def test_the_first_row_of_a_table_tells_what_the_others_are_about() -> None:
    text = "Article | List price\nPT-45 | 412\nPT-45H | 538\n\nValid for a year."
    header, first, second, after = pool([passage(text)]).evidence

    assert {"list", "price"} <= first.context
    assert {"list", "price"} <= second.context
    assert "price" not in header.context | after.context


def test_the_piece_before_is_known() -> None:
    _, second = pooled("The XR-200 is light. It weighs 2 kg.").evidence

    assert "xr200" in second.before


def test_a_rare_term_weighs_more_than_a_common_one_and_an_absent_one_most() -> None:
    ground = pooled("red apples", "red pears", "red plums")

    assert ground.weight("red") < ground.weight("appl") < ground.weight("dog")


def test_a_single_ideograph_weighs_less_than_a_pair() -> None:
    ground = pooled("保固三年", "別的")

    assert ground.weight("保") < ground.weight("保固")


def test_the_share_of_nothing_is_nothing() -> None:
    ground = pooled("a text about apples")

    assert ground.share((), {"appl"}) == 0.0
    assert ground.share(("appl",), {"appl"}) == 1.0


def test_without_passages_there_is_no_evidence() -> None:
    assert pool([]).evidence == ()
