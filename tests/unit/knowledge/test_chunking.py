"""Chunks follow the structure of a document, and their offsets are exact."""

import re
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from appliance.knowledge.chunking import LEAD_LIMIT, ROW_LIMIT, Chunk, chunks
from appliance.knowledge.parsing.parsed import Kind, Parsed
from appliance.knowledge.parsing.writer import Writer

KINDS: tuple[Kind, ...] = ("heading", "paragraph", "item", "row", "header_row", "code")


def count(texts: Sequence[str]) -> list[int]:
    """Words, and every ideograph as one."""
    return [len(re.findall(r"[\u4e00-\u9fff]|[^\s\u4e00-\u9fff]+", text)) for text in texts]


def written(*blocks: tuple[Kind, str], pages: bool = False) -> Parsed:
    writer = Writer(1_000_000)
    for kind, text in blocks:
        if pages and kind == "heading":
            writer.page()
        writer.add(kind, text, level=1 + len(text) % 3)
    return writer.parsed("text/plain")


def cut(parsed: Parsed, target: int) -> list[Chunk]:
    return chunks(parsed.text, parsed.blocks, count, target)


def test_a_chunk_ends_where_a_new_section_begins() -> None:
    parsed = written(("heading", "One"), ("paragraph", "a b c"), ("heading", "Two"), ("paragraph", "d e"))
    assert [chunk.text for chunk in cut(parsed, 100)] == ["One\n\na b c", "Two\n\nd e"]
    assert [chunk.headings for chunk in cut(parsed, 100)] == [("One",), ("Two",)]


def test_a_heading_stays_with_what_follows_it() -> None:
    parsed = written(("heading", "Rules"), ("heading", "Leave"), ("paragraph", "a b c"))
    assert [chunk.text for chunk in cut(parsed, 100)] == ["Rules\n\nLeave\n\na b c"]


def test_a_later_chunk_of_a_section_carries_its_headings_in_the_lead() -> None:
    parsed = written(("heading", "Leave"), ("paragraph", "a b c d"), ("paragraph", "e f g h"))
    first, second = cut(parsed, 6)
    assert (first.lead, second.lead) == ("", "Leave")
    assert second.indexed("Handbook") == "Handbook\nLeave\ne f g h"
    assert first.indexed("Handbook") == "Handbook\nLeave\n\na b c d"
    assert first.indexed("Leave") == "Leave\n\na b c d"
    assert first.counted("Leave") == "Leave\nLeave\n\na b c d"
    assert second.counted("Handbook") == second.indexed("Handbook")


def test_a_later_chunk_of_a_table_carries_the_header_row_in_the_lead() -> None:
    parsed = written(("header_row", "Grade | Days"), *((("row", f"G{n} | {n}")) for n in range(6)))
    found = cut(parsed, 9)
    assert found[0].text.startswith("Grade | Days")
    assert all(chunk.lead == "Grade | Days" for chunk in found[1:])


def test_a_table_row_is_not_cut() -> None:
    parsed = written(("row", "x " * 50))
    assert len(cut(parsed, 10)) == 1


def test_a_table_row_that_holds_a_book_is_cut_after_all() -> None:
    parsed = written(("row", "word " * 10 * (ROW_LIMIT + 1)))
    assert len(cut(parsed, 10)) > 1


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    parsed = written(("paragraph", "A b c d. E f g h. I j k l."))
    assert [chunk.text for chunk in cut(parsed, 8)] == ["A b c d. E f g h.", "I j k l."]


def test_a_long_sentence_is_cut_between_words_and_a_long_word_anywhere() -> None:
    assert [chunk.text for chunk in cut(written(("paragraph", "a b c d e f g h")), 4)] == ["a b c d", "e f g h"]
    assert [chunk.text for chunk in cut(written(("paragraph", "年" * 10)), 5)] == ["年" * 5, "年" * 5]


def test_a_chunk_does_not_cross_a_page() -> None:
    parsed = written(("heading", "a"), ("paragraph", "b"), ("heading", "a"), ("paragraph", "b"), pages=True)
    assert [chunk.page for chunk in cut(parsed, 100)] == [1, 2]


def test_an_endless_heading_does_not_crowd_the_passage_out() -> None:
    parsed = written(("heading", "h " * 5000), ("paragraph", "a b c"))
    assert all(len(chunk.lead) <= LEAD_LIMIT for chunk in cut(parsed, 20))


def test_nothing_gives_no_chunks() -> None:
    assert chunks("", (), count) == []


TEXTS = st.text(alphabet=st.sampled_from("ab .。\n年假\U0001f600é"), min_size=1, max_size=120)


@given(st.lists(st.tuples(st.sampled_from(KINDS), TEXTS), max_size=12), st.integers(1, 30), st.booleans())
def test_offsets_are_exact_and_nothing_is_lost_or_doubled(
    blocks: list[tuple[Kind, str]],
    target: int,
    pages: bool,
) -> None:
    parsed = written(*blocks, pages=pages)
    found = cut(parsed, target)
    assert [chunk.ordinal for chunk in found] == list(range(len(found)))
    assert all(parsed.text[chunk.start : chunk.end] == chunk.text == chunk.text.strip() != "" for chunk in found)
    assert all(before.end <= after.start for before, after in pairwise(found))
    assert "".join("".join(chunk.text for chunk in found).split()) == "".join(parsed.text.split())
    for block in parsed.blocks:
        assert any(chunk.start <= block.start < chunk.end for chunk in found)
        if block.kind in ("row", "header_row") and count([parsed.text[block.start : block.end]])[0] <= target:
            assert any(chunk.start <= block.start and block.end <= chunk.end for chunk in found)


@given(st.lists(st.tuples(st.sampled_from(("heading", "paragraph", "item", "code")), TEXTS), max_size=8))
def test_no_chunk_is_over_the_target_but_for_what_cannot_be_cut(blocks: list[tuple[Kind, str]]) -> None:
    parsed = written(*blocks)
    assert all(chunk.tokens <= 5 for chunk in cut(parsed, 5))
    assert all(chunk.page is None for chunk in cut(parsed, 5))
