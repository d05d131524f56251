"""Facts are alike however they are written, and different where they differ."""

import pytest

from appliance.chat.facts import facts, measures, numbers, plain


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2 months", "two months"),
        ("1,200 EUR", "1200 EUR"),
        ("08:30", "8:30"),
        ("2小时内", "两小時內"),
        ("3个月", "三個月"),
        ("百分之八", "8%"),
        ("8 percent", "8 %"),
        ("六成", "60%"),
        ("二十一天", "21天"),
        ("一百二十元", "120元"),
        ("2日", "2天"),
    ],
)
def test_the_same_number_in_another_spelling_is_the_same(one: str, other: str) -> None:
    assert numbers(one) == numbers(other) != frozenset()
    assert measures(one) == measures(other)


@pytest.mark.parametrize(("one", "other"), [("2 days", "2 hours"), ("16小时", "16分钟"), ("5日", "5个月")])
def test_another_unit_is_another_measure(one: str, other: str) -> None:
    assert measures(one) != measures(other)
    assert measures(one) & measures(other) == frozenset()


@pytest.mark.parametrize(
    ("text", "date"),
    [("on 18 December 2026", (2026, 12, 18)), ("expire on 30 June", (0, 6, 30)), ("2026年5月8日发放", (2026, 5, 8))],
)
def test_a_date_is_year_month_and_day(text: str, date: tuple[int, int, int]) -> None:
    assert facts(text).dates == {date}


def test_a_date_without_a_year_is_that_day_of_any_year() -> None:
    assert facts("2026年5月8日").dated((0, 5, 8))
    assert not facts("2026年5月8日").dated((2025, 5, 8))
    assert not facts("2026年5月8日").dated((0, 5, 10))


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("at least 14 characters", "least"),
        ("no more than 2 %", "most"),
        ("up to 3 days", "most"),
        ("不得少于14个字符", "least"),
        ("最多3天", "most"),
        ("it is 3 days", None),
    ],
)
def test_a_bound_is_a_least_or_a_most(text: str, bound: str | None) -> None:
    assert facts(text).bounds == ({bound} if bound else frozenset())


def test_words_that_hold_a_numeral_keep_it() -> None:
    assert plain("統一於星期二") == plain("统一于星期二") == "统一于星期二"
