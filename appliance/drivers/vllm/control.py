"""What the engine host asks of an engine: is it well, which names does it know, load an adapter, answer once.

Over its Unix socket, or over HTTP where the engine is not ours to start. Plain and blocking: the host's own threads.
"""

import http.client
import json
import socket
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from appliance.drivers.vllm.port import EngineDown, Health

PROBE_SECONDS = 5.0
METRICS_SECONDS = 2.0
LOAD_SECONDS = 120.0
"""A large adapter is read from disk and, on a card, copied to it."""


class EngineControl:
    """One engine. ``socket`` is used unless there is an ``address``."""

    def __init__(self, path: Path, key: str, address: str | None = None) -> None:
        self._path = path
        self._key = key
        self._address = address

    def health(self, timeout: float = PROBE_SECONDS) -> Health:
        """Ask ``/health`` once, waiting ``timeout`` seconds at most."""
        try:
            status, _ = self._ask("GET", "/health", None, timeout)
        except (OSError, http.client.HTTPException):
            return Health.SILENT
        return Health.WELL if status == HTTPStatus.OK else Health.DEAD

    def metrics(self, timeout: float = METRICS_SECONDS) -> str:
        """What it tells on ``/metrics``; nothing where it does not answer."""
        try:
            return self._told("GET", "/metrics", None, timeout).decode(errors="replace")
        except EngineDown:
            return ""

    def names(self) -> frozenset[str]:
        """What may be sent as ``model``: the version's name and those of loaded adapters. Raises ``EngineDown``."""
        told = self._told("GET", "/v1/models", None, PROBE_SECONDS)
        try:
            return frozenset(str(model["id"]) for model in json.loads(told)["data"])
        except (ValueError, KeyError, TypeError) as error:
            raise EngineDown("it does not list its models as vLLM does", retry_after=5) from error

    def load(self, name: str, directory: Path) -> None:
        """Load an adapter under a name that was never used before. Raises ``EngineDown`` with the engine's words."""
        body = {"lora_name": name, "lora_path": str(directory)}
        self._told("POST", "/v1/load_lora_adapter", body, LOAD_SECONDS)

    def unload(self, name: str) -> None:
        """Forget an adapter. Raises ``EngineDown``."""
        self._told("POST", "/v1/unload_lora_adapter", {"lora_name": name}, LOAD_SECONDS)

    def warm(self, name: str, timeout: float) -> None:
        """Have it compute one token: the first request is where an engine allocates and compiles what is left."""
        self._told("POST", "/v1/completions", {"model": name, "prompt": "Hello", "max_tokens": 1}, timeout)

    def _told(self, method: str, path: str, body: dict[str, Any] | None, timeout: float) -> bytes:
        try:
            status, answer = self._ask(method, path, body, timeout)
        except (OSError, http.client.HTTPException) as error:
            raise EngineDown(f"the engine does not answer ({type(error).__name__})", retry_after=5) from error
        if status != HTTPStatus.OK:
            raise EngineDown(f"{path}: {status}: {_message(answer)}", retry_after=5)
        return answer

    def _ask(self, method: str, path: str, body: dict[str, Any] | None, timeout: float) -> tuple[int, bytes]:
        connection = self._connect(timeout)
        try:
            headers = {"authorization": f"Bearer {self._key}"}
            sent = None
            if body is not None:
                sent, headers["content-type"] = json.dumps(body), "application/json"
            connection.request(method, path, sent, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        if self._address is not None:
            parts = urlsplit(self._address)
            return http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=timeout)
        connection = http.client.HTTPConnection("engine", timeout=timeout)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(timeout)
        try:
            connection.sock.connect(str(self._path))
        except OSError:
            connection.close()
            raise
        return connection


def probe(path: Path, timeout: float = PROBE_SECONDS) -> Health:
    """The health of the engine behind this socket."""
    return EngineControl(path, "").health(timeout)


def _message(answer: bytes) -> str:
    try:
        told = json.loads(answer)
        return str(told.get("error", {}).get("message") or told.get("message") or told)[:500]
    except (ValueError, AttributeError):
        return answer[:200].decode(errors="replace")
