"""Every place where the licence is asked, in one list: what it needs, and in which states it is closed.

The rule behind it: nobody's data is held hostage. What reads, or takes data out, is never closed.
"""

from dataclasses import dataclass
from enum import StrEnum

from appliance.licensing.states import OVER, State


class Point(StrEnum):
    """An act that the licence may have a say in."""

    SEARCH = "search"
    READING = "reading"
    ASKING = "asking"
    EXPORT = "export"
    BACKUP = "backup"
    DELETING = "deleting"
    WRITING = "writing"
    DEPLOYING = "deploying"
    FINE_TUNING = "fine_tuning"
    ADDING_TENANT = "adding_tenant"
    ADDING_SEAT = "adding_seat"
    ADDING_ADAPTER = "adding_adapter"


@dataclass(frozen=True, slots=True)
class Rule:
    """``limit``: the number in the licence that bounds it; ``feature``: the one it needs; ``model``: it names one."""

    closed: frozenset[State] = OVER
    limit: str | None = None
    feature: str | None = None
    model: bool = False


ALWAYS = Rule(closed=frozenset())

POINTS: dict[Point, Rule] = {
    Point.SEARCH: ALWAYS,
    Point.READING: ALWAYS,
    Point.ASKING: ALWAYS,  # of what is deployed already
    Point.EXPORT: ALWAYS,
    Point.BACKUP: ALWAYS,
    Point.DELETING: ALWAYS,
    Point.WRITING: Rule(),
    Point.DEPLOYING: Rule(limit="gpus", model=True),
    Point.FINE_TUNING: Rule(feature="finetune", model=True),
    Point.ADDING_TENANT: Rule(limit="tenants"),
    Point.ADDING_SEAT: Rule(limit="seats"),
    Point.ADDING_ADAPTER: Rule(limit="adapters", feature="finetune"),
}


def is_open(point: Point, state: State) -> bool:
    """Whether the state lets an act begin. ``state`` is the deciding one: a suspect clock closes nothing by itself."""
    return state not in POINTS[point].closed
