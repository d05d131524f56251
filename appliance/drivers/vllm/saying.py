"""What a scripted engine says, in the forms in which vLLM says it. Pure."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

_COMMAND = re.compile(r"^(say|pause|status|die|call):(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """What a request asks the engine to do. ``call``: a tool's name and its arguments as JSON text."""

    words: tuple[str, ...]
    pause: float
    status: int
    die: bool
    call: tuple[str, str] | None = None


def script(message: str) -> Script:
    """Read the commands in a message."""
    told = dict(_COMMAND.findall(message))
    name, _, arguments = told.get("call", "").strip().partition(" ")
    return Script(
        words=tuple(told.get("say", "" if name else message).split()),
        pause=float(told.get("pause", 0)),
        status=int(told.get("status", HTTPStatus.OK)),
        die="die" in told,
        call=(name, arguments or "{}") if name else None,
    )


def asked(body: dict[str, Any]) -> str:
    """The text that holds the commands: the last message's, or the prompt's."""
    if "messages" not in body:
        prompt = body["prompt"]
        return str(prompt if isinstance(prompt, str) else prompt[-1])
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


class Form:
    """One of the two kinds of completion."""

    name = ""
    kind = ""

    def _shell(self, body: dict[str, Any], kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": f"{self.name}-scripted",
            "object": kind,
            "created": 1,
            "model": body["model"],
            "choices": choices,
        }

    def whole(self, body: dict[str, Any], text: str, told: Script) -> dict[str, Any]:
        """An answer in one piece, as many choices as were asked for."""
        numbers = range(body.get("n") or 1)
        choices = [{"index": number, **self._said(body, text, told), "finish_reason": _end(told)} for number in numbers]
        return self._shell(body, self.kind, choices)

    def chunks(self, body: dict[str, Any], word: str) -> dict[str, Any]:
        """A piece of the first choice."""
        return self._shell(body, self._of_chunks, [{"index": 0, **self._piece(word), "finish_reason": None}])

    def last(self, body: dict[str, Any], told: Script) -> dict[str, Any]:
        """The chunk that says why the answer ends."""
        choice = {"index": 0, **self._end_piece(told), "finish_reason": _end(told)}
        return self._shell(body, self._of_chunks, [choice])

    @property
    def _of_chunks(self) -> str:
        return self.kind

    def _said(self, body: dict[str, Any], text: str, told: Script) -> dict[str, Any]:
        raise NotImplementedError

    def _piece(self, word: str) -> dict[str, Any]:
        raise NotImplementedError

    def _end_piece(self, told: Script) -> dict[str, Any]:  # noqa: ARG002 - a chat's tells its calls
        return self._piece("")


class _Chat(Form):
    name, kind = "chatcmpl", "chat.completion"

    @property
    def _of_chunks(self) -> str:
        return "chat.completion.chunk"

    def _said(self, body: dict[str, Any], text: str, told: Script) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": text or None, "refusal": None}
        logprobs = {"content": [_logprob(word) for word in told.words]} if body.get("logprobs") else None
        return {"message": message | ({"tool_calls": [_call(told)]} if told.call else {}), "logprobs": logprobs}

    def _piece(self, word: str) -> dict[str, Any]:
        return {"delta": {"role": "assistant", "content": word}}

    def _end_piece(self, told: Script) -> dict[str, Any]:
        return {"delta": {"tool_calls": [{"index": 0, **_call(told)}]}} if told.call else self._piece("")


class _Text(Form):
    name, kind = "cmpl", "text_completion"

    def _said(self, body: dict[str, Any], text: str, told: Script) -> dict[str, Any]:  # noqa: ARG002 - the form's
        return {"text": text, "logprobs": None}

    def _piece(self, word: str) -> dict[str, Any]:
        return {"text": word, "logprobs": None}


CHAT: Form = _Chat()
TEXT: Form = _Text()


def counts(body: dict[str, Any], completion: int) -> dict[str, int] | None:
    """The count in a chunk, where the request asks for one in each."""
    options = body.get("stream_options") or {}
    return _usage(body, completion) if options.get("continuous_usage_stats") else None


def usage(body: dict[str, Any], completion: int) -> dict[str, Any]:
    """The count of a whole answer: its prompt's first token is always one that was computed before."""
    return {**_usage(body, completion), "prompt_tokens_details": {"cached_tokens": 1}}


def _usage(body: dict[str, Any], completion: int) -> dict[str, int]:
    messages = body.get("messages") or [{"content": asked(body)}]
    prompt = sum(len(str(message.get("content", "")).split()) for message in messages)
    return {"prompt_tokens": prompt, "total_tokens": prompt + completion, "completion_tokens": completion}


def _call(told: Script) -> dict[str, Any]:
    name, arguments = told.call or ("", "{}")
    return {"id": "call-scripted", "type": "function", "function": {"name": name, "arguments": arguments}}


def _logprob(word: str) -> dict[str, Any]:
    return {"token": word, "logprob": 0.0, "bytes": list(word.encode()), "top_logprobs": []}


def _end(told: Script) -> str:
    return "tool_calls" if told.call else "stop"
