"""The port of sources: list what is there, fetch one thing of it.

A connector keeps nothing between two runs. What was taken is known by rows, each with the change token of its item, so
every listing is whole, and what is missing from a complete one is gone.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal, Protocol

from appliance.kit.errors import Conflict


class SourceUnreachable(Conflict):
    """The source cannot be reached, or lets nobody in."""

    code = "source_unreachable"
    advice = "Check its address and credentials: 'appliance sources test'. The next sync tries again."


NOT_FETCHED: Final = "not_fetched"
"""The code of what did not come: many in a row, and the source is given up for this time."""


@dataclass(frozen=True, slots=True)
class Skip:
    """Why something is not taken.

    ``how``: ``skip`` leaves what was taken of it before, ``drop`` has that go too; ``wait``: it will be taken, in a
    moment; ``fail``: it should have been, and the next sync tries again.
    """

    code: str
    reason: str
    how: Literal["skip", "drop", "wait", "fail"] = "skip"


class ItemRefused(Exception):
    """This one thing cannot be fetched; the others can."""

    def __init__(self, skip: Skip) -> None:
        super().__init__(skip.reason)
        self.skip = skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a source holds.

    ``external`` is what the source knows it by, ``name`` what its document is called; ``token`` is another whenever
    the content may be. ``groups``: the source's groups whose members may read it there, None where it does not say.
    ``skip``: the connector found that it must not be taken.
    """

    external: str
    name: str
    token: str
    size: int | None = None
    groups: frozenset[str] | None = None
    skip: Skip | None = None


class Connector(Protocol):
    """One source, opened for one run."""

    def check(self) -> str:
        """Reach it with the credentials that it has; what was found, in a sentence. Raises SourceUnreachable."""
        ...

    def entries(self) -> Iterator[Entry]:
        """Everything that is there. Raises SourceUnreachable."""
        ...

    @property
    def complete(self) -> bool:
        """Once :meth:`entries` has ended: whether it saw everything, so that what is missing is gone."""
        ...

    def fetch(self, entry: Entry) -> AbstractContextManager[BinaryIO]:
        """The content of one entry. What was read counts once the block has ended well.

        Raises ItemRefused, SourceUnreachable.
        """
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...
