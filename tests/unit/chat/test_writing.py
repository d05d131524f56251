"""Sentences are told as they end; at the end the answer stands or is replaced."""

from appliance.chat.following import Leaning
from appliance.chat.quoting import ranked
from appliance.chat.writing import Writing
from tests.factories.sources import pooled

QUESTION = "How long is the trial period?"
GROUND = pooled("The trial period is 2 months. Both sides may end the contract with a notice of one week.")


def writing() -> Writing:
    return Writing(QUESTION, GROUND, ranked(Leaning(QUESTION), GROUND)[:1])


def test_a_sentence_is_told_once_when_the_next_begins() -> None:
    answer = writing()

    answer.add("The trial period is 2 months.")
    assert answer.sentences(last=False) == []
    answer.add(" The notice is one week.")
    ((index, sentence, cited),) = answer.sentences(last=False)
    assert (index, sentence.text, sentence.supported) == (0, "The trial period is 2 months.", True)
    assert [one.quote for one in cited] == ["The trial period is 2 months."]
    ((last, _, _),) = answer.sentences(last=True)
    assert last == 1
    assert answer.answer().mode == "composed"


def test_white_space_is_no_first_token() -> None:
    answer = writing()

    answer.add(" \n")
    assert answer.first is None
    answer.add("The")
    assert answer.first is not None


def test_silence_is_replaced_by_the_quotes() -> None:
    answer = writing()

    assert answer.sentences(last=True) == []
    assert (answer.answer().mode, answer.answer().text) == ("quoted", "The trial period is 2 months.")
