"""Hostile requests to the gateway, all at once, and what each of them has to be told."""

import json
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import httpx

from tests.factories.callers import PATH

Answered = tuple[int, str | None]
"""Status, and the code where there is one."""
REFUSED: Final = (400, "field_refused")
UNKNOWN: Final = (404, "route_not_found")
NOTHING: Final = (0, None)
ENGINE_PATHS: Final = ("/v1/load_lora_adapter", "/tokenize", "/invocations", "/collective_rpc", "/sleep", "/score")
_CUT: Final[dict[str, int | None]] = {"its head": 40, "its body": -20, "the answer": None}
_TRICKLES: Final = 120


def _said(content: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": content}]}


def _picture(url: str) -> dict[str, object]:
    return _said([{"type": "image_url", "image_url": {"url": url}}])


def _schema(told: dict[str, Any]) -> dict[str, object]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": told}}}


def _nested(levels: int) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        found = {"type": "object", "properties": {"x": found}}
    return found


MEMBERS: Final[dict[str, tuple[dict[str, object], Answered]]] = {
    "too large": (_said("x" * 3_000_000), (413, "too_large")),
    "tensors": ({"prompt_embeds": "AAAA"}, REFUSED),
    "a template": ({"chat_template": "{{ 1 }}"}, REFUSED),
    "its arguments": ({"chat_template_kwargs": {"x": 1}}, REFUSED),
    "a salt": ({"cache_salt": "mine"}, REFUSED),
    "another upstream": ({"api_base": "http://127.0.0.1:1"}, REFUSED),
    "made up": ({"made_up": 1}, REFUSED),
    "too many choices": ({"n": 5}, REFUSED),
    "too many likely tokens": ({"logprobs": True, "top_logprobs": 1000}, REFUSED),
    "no number": ({"temperature": float("nan")}, REFUSED),
    "a fetched picture": (_picture("http://127.0.0.1:1/x.png"), REFUSED),
    "a file": (_picture("file:///etc/passwd"), REFUSED),
    "a regular expression": (_schema({"type": "string", "pattern": "(a+)+$"}), REFUSED),
    "a schema without end": (_schema(_nested(200)), REFUSED),
    "a model that there is not": ({"model": "none"}, UNKNOWN),
}
"""What is wrong about an otherwise good body."""
BODIES: Final = {
    "cut JSON": b'{"model":',
    "a list": b"[]",
    "nothing": b"",
    "no text": b"\xff\xfe\x00",
    "brackets without end": b"[" * 100_000,
}


class Attack:
    """Requests with one key about one ``model``, sent at the same moment; each of ``names`` is none for this caller."""

    def __init__(self, port: int, key: str, model: str, names: list[str]) -> None:
        self._port = port
        self._key = key
        self._model = model
        self.sends: dict[str, Callable[[], Answered]] = {}
        self.expected: dict[str, Answered] = {}
        for what, (members, expected) in MEMBERS.items():
            self.add(what, expected, members)
        for name in names:
            self.add(f"not theirs: {name}", UNKNOWN, {"model": name})
        for what, body in BODIES.items():
            self._add(what, REFUSED, partial(self._request, PATH, body))
        for path in ENGINE_PATHS:
            self._add(path, (404, "not_found"), partial(self._request, path, b"{}"))
        self._add("another method", (405, "method_not_allowed"), partial(self._request, PATH, b"", "GET"))
        self._add("a wrong key", (401, "bad_credential"), partial(self._request, PATH, self._body(), key="sk-wrong"))
        for where, length in _CUT.items():
            self._add(f"gone before the end of {where}", NOTHING, partial(self._cut, length))
        for number in range(2):
            self._add(f"a slow body, {number}", (408, None), self._slow)

    def add(self, what: str, expected: Answered, members: Mapping[str, object]) -> None:
        """A good body with these members."""
        self._add(what, expected, partial(self._request, PATH, self._body(**members)))

    def at_once(self) -> dict[str, Answered]:
        """What each was told."""
        together = threading.Barrier(len(self.sends))

        def go(send: Callable[[], Answered]) -> Answered:
            together.wait()
            return send()

        with ThreadPoolExecutor(len(self.sends)) as pool:
            return dict(zip(self.sends, pool.map(go, self.sends.values()), strict=True))

    def _add(self, what: str, expected: Answered, send: Callable[[], Answered]) -> None:
        self.sends[what], self.expected[what] = send, expected

    def _body(self, **members: object) -> bytes:
        return json.dumps({"model": self._model, **_said("hi"), "max_tokens": 4, **members}).encode()

    def _request(self, path: str, body: bytes, method: str = "POST", key: str | None = None) -> Answered:
        headers = {"authorization": f"Bearer {key or self._key}", "content-type": "application/json"}
        url = f"http://127.0.0.1:{self._port}{path}"
        answer = httpx.request(method, url, content=body, headers=headers, timeout=60)
        return answer.status_code, answer.json().get("code")

    def _cut(self, length: int | None) -> Answered:
        """Gone in the middle of it."""
        body = self._body(max_tokens=400)
        with self._connected() as connection:
            connection.sendall((self._head(len(body)) + body)[:length])
        return NOTHING

    def _slow(self) -> Answered:
        """A byte now and then."""
        with self._connected() as connection:
            connection.sendall(self._head(1000))
            connection.settimeout(0.5)
            for _ in range(_TRICKLES):
                connection.sendall(b" ")
                try:
                    return int(connection.recv(64).split()[1]), None
                except TimeoutError:
                    continue
        return NOTHING

    def _connected(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._port))

    def _head(self, length: int) -> bytes:
        told = f"POST {PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {self._key}\r\n"
        return f"{told}content-type: application/json\r\ncontent-length: {length}\r\n\r\n".encode()
