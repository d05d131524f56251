"""How ``up`` shows itself: a table that lives in a terminal, or a line for each change anywhere else."""

from collections.abc import Mapping
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from appliance.entry.up_plan import Life, Part, State

COLOURS = {
    State.READY: "green",
    State.DONE: "green",
    State.STARTING: "yellow",
    State.PAUSING: "red",
    State.FAILED: "bold red",
}


class View(Protocol):
    """Shows the parts and says things."""

    def show(self, lives: Mapping[str, Life], now: float) -> None:
        """The present state of every part."""

    def say(self, sentence: str) -> None:
        """Something that stays readable."""

    def close(self) -> None:
        """Nothing more will be shown."""


class Lines:
    """One line for each change of state: for logs, services and tests."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._seen: dict[str, State] = {}

    def show(self, lives: Mapping[str, Life], now: float) -> None:  # noqa: ARG002 - only changes count here
        """Print what changed."""
        for name, life in lives.items():
            if self._seen.get(name, State.WAITING) is not life.state:
                self._seen[name] = life.state
                self.say(f"{name}: {life.state.value}{f' ({life.detail})' if life.detail else ''}")

    def say(self, sentence: str) -> None:
        """Print it."""
        self._console.print(sentence, highlight=False, markup=False, soft_wrap=True)

    def close(self) -> None:
        """Nothing to close."""


class Board:
    """A table that is drawn anew in place."""

    def __init__(self, console: Console, plan: tuple[Part, ...]) -> None:
        self._console = console
        self._plan = plan
        self._live = Live(console=console, refresh_per_second=8, transient=False)
        self._live.start()

    def show(self, lives: Mapping[str, Life], now: float) -> None:
        """Draw the table."""
        self._live.update(table(self._plan, lives, now))

    def say(self, sentence: str) -> None:
        """Print it above the table."""
        self._live.console.print(sentence, highlight=False, markup=False, soft_wrap=True)

    def close(self) -> None:
        """Leave the last table where it is."""
        self._live.stop()


def table(plan: tuple[Part, ...], lives: Mapping[str, Life], now: float) -> Table:
    """One row for each part: name, state, for how long, restarts, what it says."""
    grid = Table(box=None, pad_edge=False)
    for title in ("part", "state", "for", "restarts", ""):
        grid.add_column(title, justify="right" if title in ("for", "restarts") else "left")
    for part in plan:
        life = lives[part.name]
        state = Text(life.state.value, style=COLOURS.get(life.state, "dim"))
        restarts = str(life.starts - 1) if life.starts > 1 else ""
        grid.add_row(part.name, state, span(now - life.since) if life.since else "", restarts, Text(life.detail))
    return grid


def span(seconds: float) -> str:
    """A length of time as a person says it."""
    whole = int(seconds)
    if whole < 60:  # noqa: PLR2004 - seconds of a minute
        return f"{whole} s"
    if whole < 3600:  # noqa: PLR2004 - seconds of an hour
        return f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def choose(console: Console, plan: tuple[Part, ...]) -> View:
    """A board on a terminal, lines elsewhere."""
    return Board(console, plan) if console.is_terminal else Lines(console)
