"""The HTTP API as the verbs call it. Whatever goes wrong becomes an error with a sentence that says what to do."""

import hashlib
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import httpx

from appliance.entry.cli.events import Event, parse
from appliance.entry.cli.finding import Places, Target, find
from appliance.kit.errors import ApplianceError, TooLarge, Unavailable
from appliance.kit.ids import uuid7

USUAL = httpx.Timeout(30, connect=5)
LOOK = "Look into its logs: 'appliance logs'."
PATIENT = httpx.Timeout(None, connect=5)
"""For what takes as long as it takes: an answer, a large upload, a model."""


class NoAnswer(Unavailable):
    """The appliance does not answer at its address."""

    code = "no_answer"
    advice = "Is it running? See 'appliance status'; start it with 'appliance up'; check APPLIANCE_URL."


class BrokeOff(Unavailable):
    """The connection ended half-way."""

    code = "broke_off"
    advice = "Run the command again; 'appliance status' shows whether something restarted."


class Refusal(ApplianceError):
    """A problem document that the appliance answered with, told as it came."""

    def __init__(self, answer: httpx.Response) -> None:
        found = _json(answer)
        super().__init__(str(found.get("detail") or f"The appliance answered {answer.status_code}."))
        usual = {"status": answer.status_code, "code": f"http_{answer.status_code}", "advice": LOOK}
        self.document: dict[str, object] = {**usual, **found, "detail": self.detail}

    def problem(self, instance: str = "") -> dict[str, object]:  # noqa: ARG002 - the document names its own
        """The document as it came."""
        return self.document


class Api:
    """One appliance over HTTP. Use as a context manager."""

    def __init__(self, target: Target) -> None:
        self.url = target.url
        headers = {"authorization": f"Bearer {target.key}"} if target.key else {}
        trusted = _trust(target.url)
        self._http = httpx.Client(base_url=target.url, headers=headers, timeout=USUAL, trust_env=False, verify=trusted)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **query: object) -> Any:  # noqa: ANN401 - JSON of many shapes
        """The document at ``path``."""
        return self.send("GET", path, params={name: value for name, value in query.items() if value is not None})

    def post(self, path: str, body: object = None, *, patient: bool = False) -> Any:  # noqa: ANN401 - JSON of many shapes
        """What comes of posting ``body``; a repeated attempt is told from a new act by its key."""
        headers = {"idempotency-key": uuid7().hex}
        return self.send("POST", path, json=body, headers=headers, timeout=PATIENT if patient else USUAL)

    def delete(self, path: str) -> Any:  # noqa: ANN401 - JSON of many shapes
        """What comes of deleting ``path``."""
        return self.send("DELETE", path)

    def upload(self, path: str, file: Path, name: str, **fields: str) -> Any:  # noqa: ANN401 - JSON of many shapes
        """Send a file from disk, never whole in memory."""
        with file.open("rb") as stream:
            try:
                parts = {"file": (file.name, stream, "application/octet-stream")}
                headers, told = {"idempotency-key": uuid7().hex}, {"name": name, **fields}
                return self.send("POST", path, files=parts, data=told, headers=headers, timeout=PATIENT)
            except BrokeOff as error:
                if stream.tell() < file.stat().st_size:
                    raise TooLarge("The appliance broke off the upload before its end.") from error
                raise

    def form(self, path: str, fields: Mapping[str, str], files: Mapping[str, Path], method: str = "POST") -> Any:  # noqa: ANN401 - JSON of many shapes
        """Send fields and files from disk as one form."""
        with ExitStack() as opened:
            parts = {name: (file.name, opened.enter_context(file.open("rb"))) for name, file in files.items()}
            headers = {"idempotency-key": uuid7().hex}
            return self.send(method, path, data=dict(fields), files=parts, headers=headers, timeout=PATIENT)

    def all(self, path: str, **query: object) -> list[Any]:
        """Every item of a list, page after page."""
        items: list[Any] = []
        cursor: str | None = None
        while True:
            page = self.get(path, cursor=cursor, limit=200, **query)
            items += page["items"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return items

    def events(self, method: str, path: str, body: object = None) -> Iterator[Event]:
        """The events of a stream; an ``error`` event is raised."""
        headers = {"accept": "text/event-stream", "idempotency-key": uuid7().hex}
        with self._told(), self._http.stream(method, path, json=body, headers=headers, timeout=PATIENT) as answer:
            if answer.is_error:
                answer.read()
                raise Refusal(answer)
            for event in parse(answer.iter_lines()):
                if event.kind == "error":
                    raise Refusal(httpx.Response(int(event.data.get("status", 500)), json=event.data))
                yield event

    def lines(self, path: str, **query: object) -> Iterator[str]:
        """The lines of a streamed text, each with its end; :class:`BrokeOff` when it ends half-way."""
        asked = {name: str(value) for name, value in query.items() if value is not None}
        with self._told(), self._http.stream("GET", path, params=asked, timeout=PATIENT) as answer:
            if answer.is_error:
                answer.read()
                raise Refusal(answer)
            yield from (f"{line}\n" for line in _split(answer.iter_text()))

    def download(self, path: str, file: Path) -> str:
        """Write what is at ``path`` to a file that only this user reads, never whole in memory; its SHA-256."""
        hashed = hashlib.sha256()
        with self._told(), self._http.stream("GET", path, timeout=PATIENT) as answer:
            if answer.is_error:
                answer.read()
                raise Refusal(answer)
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
                for piece in answer.iter_bytes():
                    hashed.update(piece)
                    stream.write(piece)
        return hashed.hexdigest()

    def send(self, method: str, path: str, **options: Any) -> Any:  # noqa: ANN401 - JSON, and httpx's own options
        """One request. Raises :class:`Refusal`, :class:`NoAnswer`, :class:`BrokeOff`."""
        with self._told():
            answer = self._http.request(method, path, **options)
        if answer.is_error or answer.is_redirect:
            raise Refusal(answer)
        return _json(answer) if answer.content else {}

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NoAnswer(f"Nothing answers at {self.url} ({error}).") from error
        except httpx.TimeoutException as error:
            raise NoAnswer(f"{self.url} took longer than {USUAL.read:.0f} s to answer.") from error
        except (httpx.TransportError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise BrokeOff(f"The connection to {self.url} failed ({error}).") from error


def connect() -> Api:
    """The appliance that :mod:`finding` finds."""
    return Api(find(Places.here()))


def _trust(url: str) -> ssl.SSLContext:
    """The system's certificates, and SSL_CERT_FILE: an appliance has its house's own.

    None where nothing is encrypted: to read them all takes longer than most verbs.
    """
    return ssl.create_default_context() if url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _split(pieces: Iterator[str]) -> Iterator[str]:
    """Lines as JSON Lines has them: ended by a line feed alone, while str.splitlines knows ten more ends."""
    rest = ""
    for piece in pieces:
        *whole, rest = (rest + piece).split("\n")
        yield from whole
    if rest:
        yield rest


def _json(answer: httpx.Response) -> dict[str, Any]:
    with suppress(ValueError):
        found = answer.json()
        if isinstance(found, dict):
            return found
    return {}
