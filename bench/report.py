"""What the benches print: one line a figure, or one JSON document. And how they end when they are told to."""

import json
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

_BEGUN = time.monotonic()


def orderly() -> None:
    """From here on SIGTERM (of `timeout`, say) ends a bench as Ctrl-C does: with whatever it started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def progress(told: str) -> None:
    """What a bench does now, for whoever waits; its figures alone stand on standard output."""
    print(f"{time.monotonic() - _BEGUN:5.0f} s  {told}", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, and what it is held against: the same of another, or a limit; None: nothing.

    ``unit`` says what is counted, and what the other is. ``demand``: what the ratio (or, with no other, the figure)
    must be; empty: it is only told.
    """

    name: str
    ours: float
    other: float | None = None
    unit: str = ""
    demand: str = ""
    holds: bool = True

    @property
    def ratio(self) -> float | None:
        """Ours as a multiple of the other."""
        return round(self.ours / self.other, 4) if self.other else None

    def line(self, digits: int = 2, width: int = 44) -> str:
        """Name, ours, other, ratio; then the unit and the verdict."""
        finer = max(digits, 2)
        other = " " * 18 if self.ratio is None else f"{self.other:9.{digits}f} {self.ratio:8.{finer}f}"
        told = f"  {self.demand}: {'holds' if self.holds else 'DOES NOT HOLD'}" if self.demand else ""
        return f"{self.name:{width}} {self.ours:9.{digits}f} {other}  {self.unit}{told}".rstrip()

    def row(self) -> dict[str, Any]:
        """For the JSON document."""
        told = asdict(self) | {"ratio": self.ratio}
        return told if self.demand else {name: told[name] for name in told if name not in ("demand", "holds")}


def least(name: str, ours: float, other: float, ratio: float, unit: str) -> Figure:
    """Ours must be at least so many times the other."""
    return Figure(name, ours, other, unit, f">= {ratio:g} x", ours >= ratio * other)


def most(name: str, ours: float, other: float, ratio: float, unit: str) -> Figure:
    """Ours may be at most so many times the other."""
    return Figure(name, ours, other, unit, f"<= {ratio:g} x", ours <= ratio * other)


def tell(figures: Sequence[Figure], *, document: bool, digits: int = 2, **more: object) -> int:
    """Print them: a table, or one JSON document with ``more`` in it. 1 when a demand does not hold, else 0."""
    if document:
        print(json.dumps({"figures": [one.row() for one in figures], **more}, ensure_ascii=False))
    else:
        width = max(44, *(len(one.name) for one in figures))
        print(f"{'name':{width}} {'ours':>9} {'other':>9} {'ratio':>8}")
        for one in figures:
            print(one.line(digits, width))
    return int(not all(one.holds for one in figures))
