"""Which passages say the same."""

from uuid import UUID

import pytest

from appliance.kit.ids import uuid7
from appliance.knowledge.folding import Folding, Print
from appliance.knowledge.passages import Passage
from appliance.knowledge.wish import Fold

POLICY = (
    "Employees in Rotterdam have 27 days of paid leave a year. Leave that is carried over can be used until 30 June. "
    "Whoever moves house has one day off, and two days for a wedding. Requests go to the manager two weeks before, by "
    "the form in the intranet, and are answered within five working days."
)
ALIKE = [
    POLICY.replace(". ", ".\n\n  "),
    POLICY.replace("the form in the intranet", "the form on the intranet"),
    POLICY.upper(),
    POLICY.replace("Whoever", "Who ever"),
]
OTHER = [
    POLICY.replace("27 days", "29 days"),
    POLICY.replace("can be used", "cannot be used"),
    POLICY.replace("30 June", "31 July"),
    "Hotels cost at most 140 EUR a night.",
    "",
]


@pytest.mark.parametrize("text", ALIKE)
def test_small_differences_say_the_same(text: str) -> None:
    assert Print.of(POLICY).like(Print.of(text))


@pytest.mark.parametrize("text", OTHER)
def test_another_number_or_a_negation_says_something_else(text: str) -> None:
    assert not Print.of(POLICY).like(Print.of(text))


def test_scripts_and_widths_say_the_same_and_chinese_numbers_do_not() -> None:
    known = Print.of("員工每年享有十五天帶薪年假，須提前兩週申請。ＸＲ－２００")
    assert known.like(Print.of("员工每年享有十五天带薪年假,须提前两周申请。XR-200"))
    assert not known.like(Print.of("員工每年享有十六天帶薪年假，須提前兩週申請。ＸＲ－２００"))
    assert not known.like(Print.of("員工每年不享有十五天帶薪年假，須提前兩週申請。ＸＲ－２００"))


def test_short_texts_are_the_same_only_letter_by_letter() -> None:
    assert Print.of("Yes!").like(Print.of("yes"))
    assert not Print.of("Yes").like(Print.of("Yet"))


def passage(text: str, score: float) -> Passage:
    same = UUID(int=1)
    return Passage(uuid7(), uuid7(), "a.md", same, same, "A", None, 1, (), "", text, 0, len(text), "en", score=score)


SHOWN: list[tuple[Fold, list[int], list[int]]] = [
    ("none", [0, 1, 2, 3], []),
    ("same", [0, 1, 3], [2]),
    ("alike", [0, 3], [1, 2]),
]


@pytest.mark.parametrize(("how", "shown", "under"), SHOWN)
def test_what_says_the_same_stands_under_the_best(how: Fold, shown: list[int], under: list[int]) -> None:
    texts = (POLICY, ALIKE[1], f"{POLICY}\n", OTHER[0])
    given = [passage(text, 1 - number / 10) for number, text in enumerate(texts)]
    folding = Folding(how)
    for one in given:
        folding.add(one)
    told = folding.passages()
    assert [one.chunk for one in told] == [given[number].chunk for number in shown]
    assert [one.chunk for one in told[0].same] == [given[number].chunk for number in under]
    assert len(folding) == len(shown)
