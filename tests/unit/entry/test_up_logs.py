"""Logs: the last words of a part, and following a file that is set aside when it is full."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.entry import up_logs
from appliance.kit.errors import NotFound
from appliance.kit.layout import Layout


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it said nothing"),
        ("one\ntwo\n\n  \n", "two"),
        ('{"event": "cannot start", "reason": "no model"}\n', "cannot start: no model"),
        (
            json.dumps({"event": "failed", "exception": "Traceback\n  line 1\nOSError: full"}) + "\n",
            "failed: OSError: full",
        ),
        ("[1, 2]\n", "[1, 2]"),
        ("{not json}\n", "{not json}"),
    ],
)
def test_the_last_words_of_a_part_are_told_in_words(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "x.log"
    path.write_text(text)
    assert up_logs.last_words(path) == words


def test_a_log_that_is_not_there_said_nothing(tmp_path: Path) -> None:
    assert up_logs.last_words(tmp_path / "none") == "it said nothing"
    assert up_logs.tail(tmp_path / "none", 5) == []


def test_the_tail_of_a_long_log_is_its_end(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("".join(f"line {number}\n" for number in range(50_000)))
    assert up_logs.tail(path, 2) == ["line 49998", "line 49999"]
    assert up_logs.tail(path, 0) == []


def test_logs_are_asked_for_by_name_and_an_unknown_name_is_told_the_known_ones(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.make()
    with pytest.raises(NotFound, match="none yet"):
        up_logs.files(layout, "web")
    for name in ("web", "index"):
        layout.log(name).write_text("x")
    assert up_logs.files(layout, None) == [layout.log("index"), layout.log("web")]
    assert up_logs.files(layout, "web") == [layout.log("web")]
    with pytest.raises(NotFound, match="there is: index, web"):
        up_logs.files(layout, "wep")


def test_following_tells_whole_new_lines_also_of_the_file_that_comes_after(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("old\n")

    def steps() -> Iterator[bool]:
        with path.open("a") as file:
            file.write("one\ntw")
        yield False
        with path.open("a") as file:
            file.write("o\n")
        yield False
        path.rename(tmp_path / "x.log.1")
        yield False
        path.write_text("three\n")
        yield False
        yield False
        path.write_text("4\n")
        yield False
        yield True

    turn = steps()
    assert list(up_logs.follow(path, lambda: next(turn), pause=0)) == ["one", "two", "three", "4"]
