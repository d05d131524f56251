"""Composed, quoted or none: every case of the choice."""

import pytest

from appliance.chat.attribution import attribute
from appliance.chat.following import Leaning
from appliance.chat.mode import Choice, after, before, nothing, speaks
from appliance.chat.quoting import Quote, ranked
from tests.factories.sources import pooled

QUESTION = "How long is the trial period?"
GROUND = pooled("The trial period is 2 months.", "There are two talks, after 3 weeks and after 7 weeks.")
QUOTES: list[Quote] = ranked(Leaning(QUESTION), GROUND)


@pytest.mark.parametrize(
    ("found", "quoted_only", "spoken", "engine", "expected"),
    [
        (False, False, True, True, Choice("none", "nothing_found")),
        (False, True, False, False, Choice("none", "nothing_found")),
        (True, True, True, True, Choice("quoted", "asked")),
        (True, False, False, True, Choice("quoted", "language")),
        (True, False, True, False, Choice("quoted", "engine")),
        (True, False, True, True, Choice("composed")),
    ],
)
def test_before_the_model_is_asked(
    *, found: bool, quoted_only: bool, spoken: bool, engine: bool, expected: Choice
) -> None:
    assert before(QUOTES if found else [], quoted_only=quoted_only, spoken=spoken, engine=engine) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("The trial period is two months.", Choice("composed")),
        ("The trial period is nine months.", Choice("quoted", "unsupported")),
        ("There are two talks, after 3 weeks.", Choice("quoted", "off_the_point")),
        ("The trial period has a length of months.", Choice("quoted", "off_the_point")),
        ("", Choice("quoted", "unsupported")),
    ],
)
def test_after_the_model_has_answered(answer: str, expected: Choice) -> None:
    assert after(QUESTION, QUOTES, attribute(answer, QUESTION, GROUND)) == expected


@pytest.mark.parametrize(
    ("languages", "language", "expected"),
    [
        ({"en"}, "en", True),
        ({"en"}, "zh-Hans", False),
        ({"en", "zh"}, "zh-Hant", True),
        ({"zh-Hans"}, "zh-Hant", False),
        ({"en"}, "und", False),
    ],
)
def test_a_model_speaks_what_the_catalogue_says(*, languages: set[str], language: str, expected: bool) -> None:
    assert speaks(languages, language) is expected


def test_that_the_documents_do_not_tell_is_said_in_the_language_of_the_question() -> None:
    assert nothing("zh-Hans") == "文档中没有说明。"
    assert nothing("zh-Hant") == "文件中沒有說明。"
    assert nothing("und") == nothing("en") == "The documents do not tell."
