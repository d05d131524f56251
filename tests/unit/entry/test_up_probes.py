"""Readiness: each probe answers at once, whatever state the part is in."""

import http.server
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.entry import up_probes
from appliance.kit.layout import Layout
from appliance.kit.settings import WebSettings
from appliance.kit.wire import Client, Server


class Answer(http.server.BaseHTTPRequestHandler):
    """200 at /healthz of a healthy server."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


class Unwell(Answer):
    status = 500


@contextmanager
def serving(handler: type[Answer], certificate: Path | None = None) -> Iterator[int]:
    server = http.server.HTTPServer(("127.0.0.1", 0), handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield int(server.server_address[1])
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_web_process_is_ready_when_it_says_so() -> None:
    with serving(Answer) as port:
        assert up_probes.serves(WebSettings(port=port)) == ""
    assert up_probes.serves(WebSettings(port=port)) == up_probes.LOADING
    with serving(Unwell) as port:
        assert up_probes.serves(WebSettings(port=port)) == "answers 500"


def test_the_web_process_is_asked_over_tls_where_it_has_a_certificate(tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    key = tmp_path / "key.pem"
    making = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=elsewhere"]
    subprocess.run(["/usr/bin/openssl", "req", *making, "-keyout", key, "-out", both], check=True, capture_output=True)
    both.write_text(both.read_text() + key.read_text())
    with serving(Answer, both) as port:
        assert up_probes.serves(WebSettings(port=port, certificate=both, key=key)) == ""
    assert up_probes.address(WebSettings(port=7, certificate=both, key=key)) == "https://127.0.0.1:7"


def test_a_process_behind_a_socket_may_answer_before_it_is_ready(tmp_path: Path) -> None:
    path = tmp_path / "x.sock"
    assert up_probes.answers(Client(path, 1)) == up_probes.LOADING
    ready = {"ready": False}
    server = Server(path, {"ping": lambda _: dict(ready)})
    server.start()
    assert up_probes.answers(Client(path, 1)) == up_probes.LOADING
    ready["ready"] = True
    assert up_probes.answers(Client(path, 1)) == ""
    server.close()


class Engine(socketserver.UnixStreamServer):
    """An HTTP server on a Unix socket."""

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        return super().get_request()[0], ("engine", 0)


@contextmanager
def engine(path: Path, handler: type[Answer]) -> Iterator[None]:
    with Engine(str(path), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield
        server.shutdown()
        thread.join()


def test_the_engine_host_is_ready_when_all_its_engines_are(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.make()
    assert up_probes.engines(layout) == up_probes.LOADING
    with engine(layout.run / "engine-1.sock", Answer):
        assert up_probes.engines(layout) == up_probes.LOADING, "it is still warmed"
        (layout.run / "engine-1.warm").touch()
        assert up_probes.engines(layout) == ""
        (layout.run / "engine-2.warm").touch()
        with engine(layout.run / "engine-2.sock", Unwell):
            assert up_probes.engines(layout) == up_probes.LOADING
    assert up_probes.engines(layout) == up_probes.LOADING


def test_a_process_that_nobody_calls_writes_a_file(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.make()
    assert up_probes.wrote(layout, "worker") == up_probes.LOADING
    (layout.run / "worker.ready").touch()
    assert up_probes.wrote(layout, "worker") == ""


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:81"),
        ("::1", "http://[::1]:81"),
        ("0.0.0.0", f"http://{socket.gethostname()}:81"),
        ("::", f"http://{socket.gethostname()}:81"),
    ],
)
def test_the_address_is_one_that_a_browser_can_open(host: str, address: str) -> None:
    assert up_probes.address(WebSettings(host=host, port=81)) == address
