"""The language of questions and documents, told by script."""

import pytest

from appliance.knowledge.language import detect

CASES = [
    ("How many days of leave do I have?", "en"),
    ("reset VPN", "en"),
    ("What is the meaning of 道 in the Tao Te Ching?", "en"),
    ("Where is the café in the Zürich office?", "en"),
    ("如何申请年假？", "zh-Hans"),
    ("如何申請年假？", "zh-Hant"),
    ("OpenAI API 的 Key 怎么配置", "zh-Hans"),
    ("XK-200 的保固期是多久？", "zh-Hans"),
    ("請問 Quarterly Business Review Meeting 是什麼時候", "zh-Hant"),
    ("请问 Quarterly Business Review Meeting 是什么时候", "zh-Hans"),
    ("皇后大道中", "zh-Hans"),  # in both scripts: the default
    ("公司在臺北的后里廠", "zh-Hant"),  # 后 and 里 are written in both
    ("Ｈｏｗ　ｍａｎｙ", "en"),
    ("これはテストです", "und"),
    ("会議は何時ですか", "und"),
    ("회의는 언제입니까", "und"),
    ("Когда встреча?", "und"),
    ("Wie heißt die größte Stadt über München?", "und"),
    ("12345 — ???", "und"),
    ("", "und"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_the_language_is_told_by_script(text: str, expected: str) -> None:
    assert detect(text) == expected


def test_a_long_document_is_told_by_its_beginning_and_its_middle() -> None:
    assert detect("Contents. " * 300 + "本公司员工手册规定如下。" * 5000) == "zh-Hans"
