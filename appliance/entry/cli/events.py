"""Server-sent events, as far as the appliance sends them (WHATWG HTML §9.2): ``id``, ``event``, ``data`` lines."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One event, its data parsed."""

    id: str
    kind: str
    data: dict[str, Any]


def parse(lines: Iterable[str]) -> Iterator[Event]:
    """The events in a stream of lines without their ends. Comments and events without data are dropped."""
    identity, kind = "", "message"
    data: list[str] = []
    for line in lines:
        if line == "":
            if data:
                yield Event(identity, kind, json.loads("\n".join(data)))
            kind, data = "message", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif name == "event":
            kind = value
        elif name == "id":
            identity = value
