"""What a question and a document have in common after ``terms``."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.knowledge.terms import STOPWORDS, term_id, terms

SHARED = [
    ("running engines", "The engine runs", {"run", "engin"}),
    ("ＸＫ－２００Ａ", "xk200a", {"xk200a", "xk", "200"}),
    ("XK-200A", "the XK 200 A", {"xk", "200"}),
    ("v2.3.1", "V2.3.1", {"v231", "2", "3", "1"}),
    ("臺灣繁體", "台湾繁体", {"台湾", "湾繁", "繁体", "台", "湾", "繁", "体"}),
    ("睡著", "睡着", {"睡着", "睡", "着"}),
    ("1,250 employees", "1250 employee", {"1250", "employe"}),
    ("π is 3.14", "3.14", {"3.14", "3", "14"}),
    ("2024-03-05", "2024年3月5日", {"2024", "3", "5"}),
    ("Zürich", "ZURICH", {"zurich"}),
    ("slip-stream", "slipstream", {"slipstream"}),
    ("A型", "a型机", {"a型", "型"}),
    ("T恤", "t恤", {"t恤", "恤"}),
    ("5G网络", "5G网", {"5g", "5", "5g网", "网"}),
    ("Привет мир", "привет", {"привет"}),
    ("３Ｄ打印", "3D打印", {"3d", "3", "3d打", "打", "印", "打印"}),
]


@pytest.mark.parametrize(("left", "right", "shared"), SHARED)
def test_what_is_written_differently_shares_terms(left: str, right: str, shared: set[str]) -> None:
    assert set(terms(left)) & set(terms(right)) == shared


DIFFERENT = [("3.14", "314"), ("A型", "B型"), ("the of and", "is was are"), ("上海", "海上")]


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_what_means_another_thing_has_a_term_of_its_own(left: str, right: str) -> None:
    assert not {term for term in set(terms(left)) & set(terms(right)) if len(term) > 1}


def test_ideographs_give_characters_and_overlapping_bigrams() -> None:
    assert terms("年假政策") == ["年", "假", "政", "策", "年假", "假政", "政策"]


def test_stopwords_give_nothing() -> None:
    assert terms(" ".join(sorted(STOPWORDS))) == []


def test_terms_repeat_as_often_as_they_occur() -> None:
    assert terms("pump, pumps; pumping!") == ["pump"] * 3


def test_nothing_readable_gives_no_terms() -> None:
    assert terms("") == terms(" … — !?") == []


@given(st.text())
def test_every_text_gives_stable_non_empty_terms_without_white_space(text: str) -> None:
    found = terms(text)
    assert found == terms(text)
    assert all(term and not any(character.isspace() for character in term) for term in found)


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1))
def test_ids_are_32_bits(term: str) -> None:
    assert 0 <= term_id(term) < 2**32


def test_ids_are_the_same_in_another_process() -> None:
    words = ["pump", "年假", "xk200a"]
    told_by = "import json, sys; from appliance.knowledge.terms import term_id"
    program = f"{told_by}; print(json.dumps([term_id(word) for word in json.loads(sys.argv[1])]))"
    root = Path(__file__).parents[3]
    told = subprocess.run([sys.executable, "-c", program, json.dumps(words)], capture_output=True, check=True, cwd=root)
    assert json.loads(told.stdout) == [term_id(word) for word in words] == [746596696, 2152730802, 1335005643]
