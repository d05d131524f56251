"""Where sentences end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.knowledge.sentences import spans

CASES = [
    ("One. Two! Three?", ["One.", "Two!", "Three?"]),
    ("Dr. Wu paid 3.14 on No. 5, e.g. here. Done.", ["Dr. Wu paid 3.14 on No. 5, e.g. here.", "Done."]),
    ("J. Smith left. Bye.", ["J. Smith left.", "Bye."]),
    ("年假十五天。病假需证明！对吗？", ["年假十五天。", "病假需证明！", "对吗？"]),
    ("他说：「可以。」然后离开。", ["他说：「可以。」", "然后离开。"]),
    ('"Stop." He left.', ['"Stop."', "He left."]),
    ("A title\n\nA line\nof text", ["A title", "A line\nof text"]),
    ("So do I. Then we go.", ["So do I.", "Then we go."]),
    ("no end", ["no end"]),
    ("  ", []),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_sentences_end_where_a_reader_ends_them(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in spans(text)] == expected


@given(st.text(alphabet=st.sampled_from('ab.。!？ \n"」I')), st.integers(0, 5))
def test_sentences_are_in_order_do_not_overlap_and_lose_nothing_visible(text: str, start: int) -> None:
    found = list(spans(text, min(start, len(text))))
    flat = [edge for span in found for edge in span]
    assert flat == sorted(flat)
    kept = "".join(text[left:right] for left, right in found)
    assert "".join(kept.split()) == "".join(text[min(start, len(text)) :].split())
