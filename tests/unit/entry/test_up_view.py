"""What ``up`` shows: lines for changes, or a table in a terminal."""

import io

import pytest
from rich.console import Console

from appliance.entry import up_view
from appliance.entry.up_plan import Life, Part
from appliance.entry.up_view import Board, Lines

PLAN = (Part("postgres"), Part("web", module="x"))


def console(*, terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=100, no_color=True)


def written(to: Console) -> str:
    assert isinstance(to.file, io.StringIO)
    return to.file.getvalue()


def test_lines_tell_each_change_once_and_with_its_reason() -> None:
    to = console(terminal=False)
    view = up_view.choose(to, PLAN)
    assert isinstance(view, Lines)
    lives = {"postgres": Life(), "web": Life()}
    view.show(lives, 0)
    lives["web"] = Life().begun(1)
    view.show(lives, 1)
    view.show(lives, 2)
    lives["web"] = lives["web"].ended(PLAN[1], -9, "boom [x]", 3)
    view.show(lives, 3)
    view.say("[done]")
    view.close()
    assert written(to).splitlines() == ["web: starting", "web: restarting (killed by signal 9: boom [x])", "[done]"]


def test_a_terminal_gets_a_table_and_keeps_what_is_said() -> None:
    to = console(terminal=True)
    view = up_view.choose(to, PLAN)
    assert isinstance(view, Board)
    view.show({"postgres": Life().begun(1).ready(2), "web": Life()}, 65)
    view.say("hello")
    view.close()
    assert "hello" in written(to)
    assert "ready" in written(to)


def test_the_table_has_a_row_for_each_part() -> None:
    to = console(terminal=False)
    web = Life().begun(1).ended(PLAN[1], 3, "no table", 2).begun(10)
    to.print(up_view.table(PLAN, {"postgres": Life().begun(1).ready(2), "web": web}, 70))
    lines = written(to).splitlines()
    assert lines[1].split() == ["postgres", "ready", "1", "min"]
    assert lines[2].split() == ["web", "starting", "1", "min", "1"]


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.4, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (7260, "2 h 1 min")]
)
def test_a_span_is_told_as_a_person_would(seconds: float, told: str) -> None:
    assert up_view.span(seconds) == told
