"""Server-sent events as engines write them: cut out of a byte stream, and read for what they count. Pure."""

import json
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Counted:
    """Tokens of a prompt and of its completion."""

    prompt: int = 0
    completion: int = 0


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


def usage(told: dict[str, Any]) -> Counted | None:
    """What an answer or a chunk counts, None when it does not."""
    found = told.get("usage")
    if not isinstance(found, dict):
        return None
    return Counted(int(found.get("prompt_tokens") or 0), int(found.get("completion_tokens") or 0))


def only_usage(told: dict[str, Any]) -> bool:
    """Whether a chunk is there for its count alone."""
    return told.get("choices") == [] and "usage" in told


def delta(told: dict[str, Any]) -> Delta | None:
    """The piece of the first choice in a chunk, None when it has none."""
    choices = told.get("choices") or []
    if not choices:
        return None
    text = (choices[0].get("delta") or {}).get("content") or ""
    finished = choices[0].get("finish_reason")
    return Delta(text, finished) if text or finished else None
