"""Pickles that would run something, and a hook of Python's own that knows when one is read."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_open: list[list[str]] = []


def touching(file: Path) -> bytes:
    """A pickle that makes this file when it is read, written by hand."""
    return f"cposix\nsystem\n(S'touch {file}'\ntR.".encode()


@contextmanager
def unpickled() -> Iterator[list[str]]:
    """What is looked up by a pickle while this is open, in any thread of this process."""
    found: list[str] = []
    _open.append(found)
    try:
        yield found
    finally:
        _open.remove(found)


def _hear(event: str, told: tuple[object, ...]) -> None:
    if event == "pickle.find_class":
        for found in _open:
            found.append(".".join(map(str, told)))


sys.addaudithook(_hear)  # for good: Python takes none back
