"""An answer's citations lead to the very place."""

from dataclasses import replace

import pytest

from appliance.chat import answer as answers
from appliance.chat.attribution import attribute
from appliance.chat.evidence import pool
from appliance.chat.following import Leaning
from appliance.chat.mode import Choice
from appliance.chat.quoting import ranked
from appliance.chat.writing import replacement
from appliance.knowledge.parsing.parsed import Recognised
from tests.factories.sources import passage, pooled

TEXT = "A heading\n\nThe fee is 15 EUR.\nIt is paid in June."
SOURCE = replace(passage(TEXT, headings=("A heading",)), start=1000, line=40, page=2)


def test_a_citation_has_offsets_in_the_revision_and_the_line_of_the_quote() -> None:
    ground = pool([SOURCE])

    answer = answers.quoted(ranked(Leaning("What is the fee?"), ground)[:1], ground, "asked", "")

    (citation,) = answer.citations
    assert citation.quote == "The fee is 15 EUR."
    assert TEXT[citation.start - 1000 : citation.end - 1000] == citation.quote
    assert (citation.line, citation.page, citation.headings) == (42, 2, ("A heading",))


def test_a_citation_is_as_sure_as_the_lines_that_it_quotes() -> None:
    """What the rest of the passage was read with is of no matter."""
    lines = ((1000, 1009, 0.4), (1011, 1029, 0.7), (1030, 1049, 0.9))
    read = replace(SOURCE, recognised=tuple(Recognised(*line) for line in lines))
    for source, sure in ((read, 0.7), (SOURCE, None)):
        ground = pool([source])
        answer = answers.quoted(ranked(Leaning("What is the fee?"), ground)[:1], ground, "asked", "")
        assert [one.confidence for one in answer.citations] == [sure]


def test_the_same_piece_keeps_its_number() -> None:
    ground = pool([SOURCE])
    text = "The fee is 15 EUR. In June it is paid. 15 EUR is the fee."

    answer = answers.composed(text, attribute(text, "What must be known?", ground), ground, "")

    assert [sentence.citations for sentence in answer.sentences] == [(1,), (2,), (1,)]
    assert [citation.number for citation in answer.citations] == [1, 2]


def test_an_unsupported_sentence_cites_nothing() -> None:
    ground = pool([SOURCE])
    text = "The fee is 15 EUR. Dogs are welcome."

    answer = answers.composed(text, attribute(text, "What is the fee?", ground), ground, "")

    assert [(sentence.supported, sentence.citations) for sentence in answer.sentences] == [(True, (1,)), (False, ())]


@pytest.mark.parametrize(
    ("quote", "shown"),
    [
        ("| Moving house | 1 |", "Moving house | 1"),
        ("a line that\nthe page wrapped", "a line that the page wrapped"),
        ("灭火器每月检查一\n次。", "灭火器每月检查一次。"),
        ("Plain.", "Plain."),
    ],
)
def test_a_quote_is_shown_on_one_line(quote: str, shown: str) -> None:
    assert answers.readable(quote) == shown


def test_without_quotes_the_answer_is_that_the_documents_do_not_tell() -> None:
    answer = replacement(Choice("none", "nothing_found"), [], pooled("x"), "zh-Hant")

    assert (answer.mode, answer.text, answer.reason) == ("none", "文件中沒有說明。", "nothing_found")
