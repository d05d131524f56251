"""Where a question's words stand in a passage."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.knowledge.highlights import MOST, highlights
from appliance.knowledge.terms import terms

CASES = [
    ("How many leave days?", "Leave is 25 days; leaves of trees.", ["Leave", "days", "leaves"]),
    ("xr200", "The XR-200 and the ＸＲ－２００ are one.", ["XR-200", "ＸＲ－２００"]),
    ("年假几天", "员工每年享有十五天带薪年假。", ["年假"]),
    ("年假", "員工每年享有帶薪年假，年 假。", ["年假"]),
    ("天", "十五天，二十天", ["天", "天"]),
    ("帶薪年假", "享有带薪年假", ["带薪年假"]),
    ("Zürich", "In Zu\u0308rich and Zurich", ["Zu\u0308rich", "Zurich"]),
    ("½ day", "A ½ day", ["½ day"]),
    ("the of", "the of", []),
    ("leave", "", []),
    ("A100", "A100, A-100", ["A100", "A-100"]),
]


@pytest.mark.parametrize(("question", "text", "marked"), CASES)
def test_words_are_marked_whatever_their_form(question: str, text: str, marked: list[str]) -> None:
    found = [text[start:end] for start, end in highlights(text, terms(question))]
    assert " ".join(found).split() == " ".join(marked).split()


def test_marks_are_no_more_than_a_page_can_show() -> None:
    assert len(highlights("leave me. " * 500, terms("leave"))) == MOST


@given(st.text(max_size=60), st.text(max_size=20))
def test_marks_are_in_order_apart_and_within_the_text(text: str, question: str) -> None:
    marks = highlights(text, terms(question))
    assert all(start < end for start, end in marks)
    assert all(left[1] < right[0] for left, right in pairwise(marks))
    assert not marks or (marks[0][0] >= 0 and marks[-1][1] <= len(text))


@given(st.text(max_size=60))
def test_what_is_marked_holds_a_word_of_the_question(text: str) -> None:
    wanted = set(terms(text))
    for start, end in highlights(text, wanted):
        assert wanted & set(terms(text[start:end])), text[start:end]
