"""The lines of a report."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line. ``demand``: what the ratio (or, with no other, the figure) must be, None: printed only."""

    name: str
    ours: float
    other: float | None
    unit: str
    demand: str = ""
    holds: bool = True

    def line(self) -> str:
        """Name, ours, other, ratio."""
        other = f"{self.other:9.2f} {self.ours / self.other:7.2f}" if self.other else " " * 17
        told = f"  {self.demand}: {'holds' if self.holds else 'DOES NOT HOLD'}" if self.demand else ""
        return f"{self.name:44} {self.ours:9.2f} {other}  {self.unit}{told}"


def least(name: str, ours: float, other: float, ratio: float, unit: str) -> Figure:
    """Ours must be at least so many times the other."""
    return Figure(name, ours, other, unit, f">= {ratio:g} x", ours >= ratio * other)


def most(name: str, ours: float, other: float, ratio: float, unit: str) -> Figure:
    """Ours may be at most so many times the other."""
    return Figure(name, ours, other, unit, f"<= {ratio:g} x", ours <= ratio * other)
