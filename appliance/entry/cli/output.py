"""What a verb shows: one JSON document with ``--json``, else text for a person. Errors go to standard error."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.kit.errors import ApplianceError

if TYPE_CHECKING:
    from rich.console import Console

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Document = Mapping[str, Any]
Column = tuple[str, Callable[[Document], object]]

_wanted = False


def wants_json(wanted: bool) -> bool:
    """Remember what this run was asked for, so that a failure is told in the same form."""
    global _wanted  # noqa: PLW0603 - one run has one form
    _wanted = wanted
    return wanted


def console(*, stderr: bool = False) -> "Console":
    """The terminal; plain text where there is none."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=True)


def document(value: object) -> None:
    """The one JSON document."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def say(sentence: str, *, stderr: bool = False) -> None:
    """One line, word for word: markup in names must not be read as such."""
    console(stderr=stderr).print(sentence, markup=False)


def marked(line: str, spans: Sequence[tuple[int, int]]) -> None:
    """One line, word for word, these parts of it in bold where it is a terminal."""
    from rich.text import Text

    text = Text(line)
    for start, end in spans:
        text.stylize("bold", start, end)
    console().print(text)


def table(columns: Sequence[Column], items: Sequence[Document], nothing: str) -> None:
    """A table of ``items``, or a sentence when there are none."""
    from rich.table import Table
    from rich.text import Text

    if not items:
        say(nothing)
        return
    grid = Table(box=None, pad_edge=False, show_header=True, header_style="dim")
    for title, _ in columns:
        grid.add_column(title, overflow="fold", justify="right" if title in _NUMBERS else "left")
    for item in items:
        grid.add_row(*(Text(cell(value(item))) for _, value in columns))
    wide = console()
    if not wide.is_terminal:
        wide.width = _UNBOUNDED  # a pipe has no edge: nothing is cut or folded
    wide.print(grid)


def fields(item: Document, names: Sequence[str]) -> None:
    """One ``name: value`` a line, for those that have a value."""
    width = max(len(name) for name in names) + 2
    for name in names:
        if item.get(name) not in (None, "", [], {}):
            say(f"{name.replace('_', ' ') + ':':<{width}}{cell(item[name])}")


def failure(error: ApplianceError) -> None:
    """What went wrong and what to do, in one line; with ``--json`` the problem is the document."""
    if _wanted:
        document({"error": error.problem()})
    say(sentence(error), stderr=True)


def sentence(error: ApplianceError) -> str:
    """``detail`` and ``advice`` as sentences."""
    told = error.problem()
    return " ".join(_ended(str(told[part])) for part in ("detail", "advice") if told.get(part))


def cell(value: object) -> str:
    """A value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {cell(inner)}" for name, inner in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(cell(inner) for inner in value)
    return str(value)


def moment(value: object) -> str:
    """An ISO 8601 time to the second, as it is told: in UTC."""
    return str(value or "").replace("T", " ")[:19]


def size(count: object) -> str:
    """Bytes in the unit that leaves one to three digits."""
    if not isinstance(count, int):
        return ""
    left, units = float(count), ["B", "kB", "MB", "GB"]
    while left >= _KILO and len(units) > 1:
        left, units = left / _KILO, units[1:]
    return f"{left:.1f} {units[0]}" if left < _SMALL and units[0] != "B" else f"{left:.0f} {units[0]}"


def _ended(text: str) -> str:
    text = text.strip()
    text = text[:1].upper() + text[1:]
    return text if text[-1:] in ".!?。！？" else f"{text}."


_NUMBERS = frozenset({"chunks", "size", "pages", "score", "restarts", "done"})
_UNBOUNDED = 10_000
_KILO = 1000
_SMALL = 10
