"""What one text denies, another that supports it denies too."""

import pytest

from appliance.chat.denials import agree, negative

APPLY = "试用期员工可以申请，实习生不可以申请。"
SAFE = "密码长度不得少于14个字符，并且不得写在纸上。"


@pytest.mark.parametrize(
    ("said", "source", "agrees"),
    [
        ("Days do not expire on 30 June.", "Days expire on 30 June.", False),
        ("Days expire on 30 June.", "Days expire on 30 June.", True),
        ("Discounts are added together.", "Discounts are not added together: the highest one counts.", False),
        ("Discounts cannot be combined.", "Discounts are not added together: the highest one counts.", True),
        ("The highest discount counts.", "Discounts are not added together: the highest one counts.", True),
        ("You need not bring your passport.", "Bring your passport.", False),
        ("Prices are without tax.", "Prices are in EUR, without value added tax.", True),
        ("The pipe is at most full.", "The pipe is no more than full.", True),
        ("实习生不能申请宿舍。", APPLY, True),
        ("实习生可以申请宿舍。", APPLY, False),
        ("试用期员工可以申请宿舍。", APPLY, True),
        ("密码至少要有14个字符。", SAFE, True),
        ("密码不能写在纸上。", SAFE, True),
        ("密码可以写在纸上。", SAFE, False),
        ("登錄要收費。", "完成登錄者，保固期間延長，登錄不收費。", False),
        ("工資不給。", "同仁不必出勤，工資照給。", False),
        ("領取補助無需發票。", "每天伙食補助120元，不需要發票。", True),
    ],
)
def test_a_denial_is_met_by_a_denial(*, said: str, source: str, agrees: bool) -> None:
    assert agree(said, source) is agrees


def test_an_item_of_a_list_that_denies_is_denied() -> None:
    item = "Damage by lightning."
    assert agree("It does not cover damage by lightning.", item, under_denial=True)
    assert not agree("It covers damage by lightning.", item, under_denial=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("at most 3, not less than 2", False), ("不得少于14个", False), ("不得用于", True), ("no", True)],
)
def test_a_bound_denies_nothing(*, text: str, expected: bool) -> None:
    assert negative(text) is expected
