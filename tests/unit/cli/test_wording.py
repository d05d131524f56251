"""How an answer and its sources read."""

from typing import Any

import pytest

from appliance.entry.cli import wording

CITATION: dict[str, Any] = {
    "number": 1,
    "document": "Leave.pdf",
    "document_id": "d",
    "page": 3,
    "line": 12,
    "headings": ["Annual leave", "Carry over"],
    "quote": "Everyone has\n25 days.",
}


def _sentence(text: str, *numbers: object, supported: bool = True) -> dict[str, object]:
    return {"text": text, "supported": supported, "citations": list(numbers)}


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (
            {"mode": "composed", "answer": "A is so.\n\nB too.", "sentences": [_sentence("A is so.", 1, 2)]},
            "A is so. [1][2]\n\nB too.",
        ),
        (
            {"mode": "composed", "answer": "A.", "sentences": [_sentence("A.", CITATION)]},
            "A. [1]",
        ),
        (
            {"mode": "composed", "answer": "A. B.", "sentences": [_sentence("B.", supported=False)]},
            "A. B. (?)",
        ),
        (
            {"mode": "composed", "answer": "A.", "sentences": [_sentence("not in it", 1), _sentence("A.")]},
            "A.",
        ),
        (
            {"mode": "quoted", "answer": "员工每年有25天年假。", "sentences": [_sentence("员工每年有25天年假。", 1)]},
            "In the words of the documents:\n员工每年有25天年假。 [1]",
        ),
        ({"mode": "none", "answer": "The documents do not tell.", "sentences": []}, "The documents do not tell."),
        ({"mode": "none", "answer": "文档中没有说明。"}, "文档中没有说明。"),
        ({"mode": "none"}, "The documents do not tell."),
    ],
)
def test_an_answer_shows_what_supports_each_sentence(document: dict[str, Any], told: str) -> None:
    assert wording.answer(document) == told


def test_each_source_says_where_it_stands_and_what_it_says() -> None:
    document = {"citations": [CITATION], "sentences": [_sentence("x", supported=False)]}
    assert wording.sources(document) == [
        "[1] Leave.pdf, page 3, line 12 · Annual leave › Carry over",
        "    “Everyone has 25 days.”",
        "(?) nothing in the documents supports this sentence",
    ]


def test_what_was_read_from_a_picture_with_little_confidence_is_said_beneath_the_quote() -> None:
    cited = [{**CITATION, "confidence": 0.624}, {**CITATION, "confidence": 0.8}, {**CITATION, "confidence": None}]
    notes = [line for line in wording.sources({"citations": cited}) if "confidence" in line]
    assert notes == ["    read from a picture, not surely (confidence 0.62): compare it with the original"]


def test_doubtful_lines_are_shown_with_their_place() -> None:
    lines = [{"start": 0, "end": 3, "confidence": 0.99}, {"start": 5, "end": 8, "confidence": 0.5}]
    assert wording.doubtful({"text": "one\n\ntwo", "recognised": lines}) == ["line 3 (0.50): two"]


@pytest.mark.parametrize(
    ("citation", "told"),
    [
        ({"document": "a.md", "page": None, "line": 0}, "a.md, line 0"),
        ({"document_id": "d-1"}, "d-1"),
        ({}, "?"),
    ],
)
def test_what_is_not_known_of_a_place_is_left_out(citation: dict[str, Any], told: str) -> None:
    assert wording.place(citation) == told


def test_sources_that_contradict_each_other_are_named_once() -> None:
    first, second = (_sentence(text, number) for text, number in (("It is 140.", 1), ("It is 160.", 2)))
    sentences = [{**first, "contradicted_by": [2]}, {**second, "contradicted_by": [1]}]
    lines = wording.sources({"mode": "quoted", "answer": "", "sentences": sentences, "citations": []})
    assert lines == ["[1] and [2] contradict each other"]


def test_where_the_documents_do_not_tell_there_are_no_sources() -> None:
    assert wording.sources({"mode": "none", "sentences": [_sentence("x", supported=False)]}) == []


def test_a_source_without_a_quote_is_one_line() -> None:
    assert wording.sources({"citations": [{"number": 2, "document": "a.md"}]}) == ["[2] a.md"]


def test_a_long_quote_is_cut_where_it_shows() -> None:
    assert wording.shortened("a" * 10, 5) == "aaaa…"
    assert wording.shortened("aaaaa", 5) == "aaaaa"
