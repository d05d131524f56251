"""Server-sent events as engines write them: cut out of a byte stream, and read for what they count. Pure."""

import json
from dataclasses import dataclass
from typing import Any, Final

from msgspec import Struct
from msgspec.json import Decoder

DONE = b"data: [DONE]\n\n"
_LARGEST = 8 * 1024 * 1024


class Events:
    """Cuts a byte stream into whole events, wherever the chunks end."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The events that this chunk completes, each with its blank line. Raises ValueError on an endless one."""
        *whole, self._rest = (self._rest + chunk).replace(b"\r\n", b"\n").split(b"\n\n")
        if len(self._rest) > _LARGEST:
            raise ValueError("an event without an end")
        return [event + b"\n\n" for event in whole if event]


class Counted(Struct, frozen=True):
    """Tokens of a prompt and of its completion; ``cached``: those of the prompt that the engine had computed before.

    ``queued``: seconds that the request waited inside the engine, None where it does not say.
    """

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    queued: float | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer. ``finished``: why the answer ends here (stop, length), None before its end."""

    text: str
    finished: str | None = None


def data(event: bytes) -> dict[str, Any]:
    """The JSON object that an event carries; empty for ``[DONE]``, comments and what is no object."""
    if not event.startswith(b"data: {"):
        return {}
    found = json.loads(event[len(b"data: ") :])
    return found if isinstance(found, dict) else {}


class _Details(Struct):
    cached_tokens: int | None = None


class _Usage(Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None


class _Metrics(Struct):
    queue_time_ms: float | None = None


class _Told(Struct):
    """What an answer tells of itself; all else is passed over unread."""

    usage: _Usage | None = None
    metrics: _Metrics | None = None


_decoded: Final = Decoder(_Told).decode


def usage(raw: bytes) -> Counted | None:
    """What an answer or a chunk counts, None when it does not. Raises ValueError for what is no JSON object."""
    told = _decoded(raw)
    found = told.usage
    if found is None:
        return None
    waited = told.metrics.queue_time_ms if told.metrics else None
    return Counted(
        found.prompt_tokens or 0,
        found.completion_tokens or 0,
        (found.prompt_tokens_details and found.prompt_tokens_details.cached_tokens) or 0,
        None if waited is None else waited / 1000,
    )


_USAGE = b',"usage":'
_INDEX = b'"choices":[{"index":'
_NO_CHOICES = b'"choices":[]'


class Meter:
    """Counts a stream from its chunks, and takes the counts out of those that carry text.

    The engine counts in every chunk, so that a stream which breaks off is counted to its last one. Nothing is parsed
    on the way: a chunk's count stands at its end (quotes inside a text are escaped, so the mark cannot be in one), and
    only the last one of each choice is ever read.
    """

    def __init__(self, choices: int = 1) -> None:
        self._choices = choices
        self._last: dict[int, bytes] = {}
        self._final: bytes | None = None

    def see(self, event: bytes) -> bytes | None:
        """The event without its count; None for the one that is there for the count alone."""
        at = event.rfind(_USAGE)
        if at < 0:
            return event
        if _NO_CHOICES in event:
            self._final = event
            return None
        if (tail := event[at:]).startswith(_USAGE + b"null"):
            return event
        index = event.find(_INDEX) + len(_INDEX)
        self._last[int(event[index : event.index(b",", index)]) if index >= len(_INDEX) else 0] = tail
        return event[:at] + b"}\n\n"

    @property
    def final(self) -> bytes | None:
        """The event that counts the whole, once it came."""
        return self._final

    def counted(self) -> Counted:
        """Tokens so far. A prompt's tokens count once for all of its choices."""
        if self._final is not None and (told := usage(payload(self._final))) is not None:
            return told
        found = {index: usage(b"{" + tail[1:].strip()) for index, tail in self._last.items()}
        prompts = {index // self._choices: one.prompt for index, one in found.items() if one}
        return Counted(sum(prompts.values()), sum(one.completion for one in found.values() if one))


def payload(event: bytes) -> bytes:
    """The JSON text that an event carries."""
    return event[len(b"data: ") :].strip()


def delta(told: dict[str, Any]) -> Delta | None:
    """The piece of the first choice in a chunk, None when it has none."""
    choices = told.get("choices") or []
    if not choices:
        return None
    text = (choices[0].get("delta") or {}).get("content") or ""
    finished = choices[0].get("finish_reason")
    return Delta(text, finished) if text or finished else None
