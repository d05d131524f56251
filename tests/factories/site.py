"""A web site on loopback that does what a test says, and tells who asked for what."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HTML = "text/html; charset=utf-8"


@dataclass
class Answer:
    """What comes for a path."""

    body: bytes = b""
    status: int = 200
    kind: str = HTML
    headers: dict[str, str] = field(default_factory=dict)


def page(*links: str, head: str = "", text: str = "Everyone has 25 days.") -> Answer:
    """A page that leads to these."""
    anchors = "".join(f'<a href="{link}">there</a>' for link in links)
    return Answer(f"<html><head>{head}</head><body><h1>Leave</h1><p>{text}</p>{anchors}</body></html>".encode())


def to(address: str) -> Answer:
    """A redirect."""
    return Answer(status=302, headers={"location": address})


@dataclass
class Town:
    """A site that runs. ``pages`` may be changed; ``asked`` are the paths in order."""

    port: int
    pages: dict[str, Answer]
    asked: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Its first page."""
        return f"http://127.0.0.1:{self.port}/"


@contextmanager
def serving(pages: dict[str, Answer]) -> Iterator[Town]:
    """Serve until the block ends."""
    town = Town(0, pages)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(lambda path: _answer(town, path)))
    town.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield town
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(town: Town, path: str) -> Answer:
    town.asked.append(path)
    return town.pages.get(path, Answer(status=404))


def _handler(answer: Callable[[str], Answer]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answer(self.path)
            self.send_response(found.status)
            for name, value in {"content-type": found.kind, **found.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(found.body)))
            self.end_headers()
            self.wfile.write(found.body)

        def do_PROPFIND(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", "0")))
            self.path = f"PROPFIND {self.path}"
            self.do_GET()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - http.server's own name
            """Nowhere."""

    return Handler
