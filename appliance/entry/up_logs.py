"""Reading ``logs/``: what a part said last, and following it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from appliance.kit.errors import NotFound
from appliance.kit.layout import Layout

TAIL = 65536


def names(layout: Layout) -> list[str]:
    """The processes that have a log."""
    return sorted(path.stem for path in layout.logs.glob("*.log"))


def files(layout: Layout, name: str | None) -> list[Path]:
    """The log of one process, or all of them. Raises :class:`NotFound` with the names that there are."""
    there = names(layout)
    if name is not None and name not in there:
        raise NotFound(f"There is no log of '{name}'; there is: {', '.join(there) or 'none yet'}.")
    return [layout.log(each) for each in ([name] if name else there)]


def tail(path: Path, count: int) -> list[str]:
    """The last ``count`` lines that say something."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - TAIL))
        lines = file.read().decode(errors="replace").splitlines()
    return [line for line in lines if line.strip()][-count:] if count else []


def last_words(path: Path) -> str:
    """What a process said last, in words: of a structured line its event and its reason."""
    lines = tail(path, 1)
    if not lines:
        return "it said nothing"
    with suppress(ValueError, AttributeError):
        told = json.loads(lines[0])
        parts = [told.get("event"), told.get("reason"), str(told.get("exception", "")).rpartition("\n")[2]]
        return ": ".join(str(part) for part in parts if part)
    return lines[0].strip()


def follow(path: Path, stop: Callable[[], bool], pause: float = 0.2) -> Iterator[str]:
    """New whole lines as they come, across the setting aside of a full file, until ``stop`` says so."""
    inode, offset = _place(path)
    rest = ""
    while not stop():
        now, size = _place(path)
        if now != inode or size < offset:
            inode, offset = now, 0
        if size > offset:
            with path.open("rb") as file:
                file.seek(offset)
                data = file.read()
            offset += len(data)
            *whole, rest = (rest + data.decode(errors="replace")).split("\n")
            yield from whole
        else:
            time.sleep(pause)


def _place(path: Path) -> tuple[int, int]:
    with suppress(OSError):
        found = path.stat()
        return found.st_ino, found.st_size
    return 0, 0
