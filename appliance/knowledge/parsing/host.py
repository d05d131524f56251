"""Our side of the parser's process: it is started on first use, and again after it died."""

import os
import select
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self

from appliance.kit import clock
from appliance.kit.children import Child, ChildNotStarted, spawn
from appliance.kit.environment import plain
from appliance.knowledge.parsing.errors import FileRefused, NeedsRecognition, TooSlow, Unreadable
from appliance.knowledge.parsing.limits import ParseLimits, Recognition
from appliance.knowledge.parsing.message import EYES, REQUEST_LIMIT, BadMessage, answer_limit, believed, frame, receive
from appliance.knowledge.parsing.parsed import Parsed

# The child ends a document at its deadline by itself; this much later we end the child.
_PATIENCE: Final = 10.0
_PAGES: Final = 10
_MODELS: Final = 2 * 1024 * 1024 * 1024
_PIECE: Final = 1 << 20
_GRACE: Final = 2.0


class ParserHost:
    """One warm parser process; threads take turns. ``close`` it, or it ends with this process."""

    reader: tuple[str, ...] = ("-m", "appliance.knowledge.parsing.child")

    def __init__(self, limits: ParseLimits, log: Path | None = None, *, eyes: bool = False) -> None:
        self.limits = limits
        self._flags = (EYES,) if eyes else ()
        self._eyes = None if eyes else ParserHost(_recognising(limits), log, eyes=True)
        self._log = log
        self._turn = threading.Lock()
        self._child: Child | None = None
        self._requests = self._answers = -1

    def parse(self, path: Path, name: str, recognition: Recognition = "auto") -> Parsed:
        """The document in the file at ``path``, called ``name`` by its uploader. Raises FileRefused with the reason.

        What holds pictures of text is read again by a process that recognises them, started for the first.
        """
        try:
            return self._parsed(path, name, recognition)
        except NeedsRecognition:
            if self._eyes is None or recognition == "never":
                raise
            return self._eyes.parse(path, name, recognition)

    def _parsed(self, path: Path, name: str, recognition: Recognition) -> Parsed:
        limits = replace(self.limits, recognition=recognition).as_fields()
        request = frame({"path": str(path.absolute()), "name": name[-255:], "limits": limits})
        if len(request) > REQUEST_LIMIT:
            raise Unreadable("its name is too long")
        with self._turn:
            return believed(self._asked(request))

    def _asked(self, request: bytes) -> dict[str, Any]:
        self._ready()
        deadline = clock.monotonic() + self.limits.seconds + _PATIENCE
        try:
            os.write(self._requests, request)
            answer = receive(lambda size: self._taken(size, deadline), answer_limit(self.limits))
        except (OSError, BadMessage) as error:
            self._end()
            raise Unreadable("its reader ended") from error
        except FileRefused:
            self._end()
            raise
        if answer is None:
            self._end()
            raise Unreadable("its reader ended")
        return answer

    def _taken(self, size: int, deadline: float) -> bytes:
        pieces: list[bytes] = []
        while size:
            left = max(deadline - clock.monotonic(), 0)
            if not select.select([self._answers], [], [], left)[0]:
                raise TooSlow
            piece = os.read(self._answers, min(size, _PIECE))
            if not piece:
                break
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def _ready(self) -> None:
        if self._child is not None and self._child.poll() is None:
            return
        self._end()
        theirs_in, self._requests = os.pipe()
        self._answers, theirs_out = os.pipe()
        try:
            self._child = spawn(
                [sys.executable, *self.reader, *self._flags],
                name="parser",
                env=plain(),
                log=self._log,
                streams={"stdin": theirs_in, "stdout": theirs_out},
                grace=0.5,
            )
        except ChildNotStarted as error:
            raise Unreadable("its reader could not be started") from error
        finally:
            os.close(theirs_in)
            os.close(theirs_out)

    def _end(self) -> None:
        child, self._child = self._child, None
        for fd in (self._requests, self._answers):
            if fd >= 0:
                os.close(fd)
        if child is not None:
            child.stop(_GRACE)
        self._requests = self._answers = -1

    def close(self) -> None:
        """End the process."""
        with self._turn:
            self._end()
        if self._eyes is not None:
            self._eyes.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _recognising(limits: ParseLimits) -> ParseLimits:
    """A page takes seconds and the models a gigabyte, where a text layer takes neither."""
    return replace(limits, seconds=limits.seconds * _PAGES, memory=limits.memory + _MODELS)
