"""What a request may bring: nobody's bytes are taken before the key is known, and nobody's without end."""

import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from fastapi import FastAPI, UploadFile
from starlette.testclient import TestClient

from appliance.entry import bodies, edge, web
from appliance.kit.ids import uuid7
from appliance.kit.settings import Settings
from tests.factories.serving import listening
from tests.integration.web.conftest import House

PIECE = b"x" * 65536


@pytest.fixture
def small(settings: Settings) -> Settings:
    """An upload may have ten bytes."""
    return settings.model_copy(update={"web": settings.web.model_copy(update={"largest_upload": 10})})


def test_a_body_is_not_read_before_the_key_is_known_and_never_beyond_its_limit(small: Settings, house: House) -> None:
    upload = f"/api/v1/collections/{uuid7()}/documents"
    with TestClient(web.build(small), raise_server_exceptions=False) as client:
        for key in (None, "sk-none", "' or 1=1 --"):
            headers = House.bearer(key) if key else {}
            for path in (upload, "/api/v1/search", "/v1/chat/completions", "/nowhere", "/api/v1/tenants"):
                answer = client.post(path, headers=headers, files={"file": io.BytesIO(PIECE)})
                assert (answer.status_code, answer.headers["content-type"]) == (401, edge.PROBLEM), (path, key)
        member = House.bearer(house.member_of_one)
        told = client.post(upload, headers=member, files={"file": io.BytesIO(PIECE + PIECE)})
        assert (told.status_code, told.json()["code"], told.json()["limit"]) == (413, "file_too_large", 10)
        for path in ("/api/v1/search", "/v1/chat/completions", "/api/v1/tenants", "/nowhere"):
            told = client.post(path, headers=member, content=b" " * (bodies.BODY + 1))
            assert (told.status_code, told.json()["code"]) == (413, "too_large"), path
        for path in ("/api/v1/login", "/healthz"):
            told = client.post(path, content=b" " * (bodies.OPEN_BODY + 1))
            assert (told.status_code, told.json()["code"]) == (413, "too_large"), path


def test_a_route_that_takes_a_file_is_an_upload_without_being_named_and_for_its_own_method_alone() -> None:
    app = FastAPI()

    @app.post("/new/{name}")
    def take(name: str, file: UploadFile) -> int:
        return len(file.file.read())

    app.state.settings = Settings()
    taking = bodies.uploads(app.routes)
    app.add_middleware(bodies.Bodies, open_paths=frozenset({"/new/one", "/new/one/more"}), uploads=taking)
    large = {"file": io.BytesIO(b"x" * (bodies.BODY + 1))}
    with TestClient(app) as client:
        assert client.post("/new/one", files=large).json() == bodies.BODY + 1
        assert client.put("/new/one", files=large).status_code == 413
        assert client.post("/new/one/more", files=large).status_code == 413


def test_a_body_that_never_says_its_length_is_cut_off(settings: Settings, house: House) -> None:
    json = {"content-type": "application/json"}
    with TestClient(web.build(settings), raise_server_exceptions=False) as client:
        told = client.post("/api/v1/login", content=iter([PIECE] * 4), headers=json)
        assert (told.status_code, told.json()["code"]) == (413, "too_large")
        member = House.bearer(house.member_of_one) | json
        told = client.post("/api/v1/search", content=iter([PIECE] * 40), headers=member)
        assert (told.status_code, told.json()["code"]) == (413, "too_large")


def test_nothing_is_let_in_while_keys_cannot_be_looked_up(settings: Settings, house: House) -> None:
    (settings.layout.run / "postgres.host").write_text(str(settings.data))
    with TestClient(web.build(settings), raise_server_exceptions=False) as client:
        told = client.post("/api/v1/search", json={"query": "x"}, headers=House.bearer(house.member_of_one))
    assert (told.status_code, told.json()["code"]) == (503, "database_down")


@contextmanager
def served(settings: Settings) -> Iterator[tuple[str, int]]:
    """The address of a server as the web process runs it."""
    with listening(web.server(web.build(settings), settings)) as port:
        yield "127.0.0.1", port


def test_headers_without_end_are_cut_off(settings: Settings) -> None:
    with served(settings) as address, socket.create_connection(address, timeout=30) as caller:
        caller.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n")
        assert _refused(caller, b"x-more: " + b"x" * 4096 + b"\r\n")


def test_an_upload_that_is_too_large_is_told_so_and_not_torn(small: Settings, house: House) -> None:
    with served(small) as (host, port):
        url = f"http://{host}:{port}/api/v1/collections/{uuid7()}/documents"
        file = {"file": ("large.md", io.BytesIO(PIECE * 256))}
        for key, status, code in ((house.member_of_one, 413, "file_too_large"), ("sk-none", 401, "bad_credential")):
            told = httpx.post(url, files=file, headers=House.bearer(key), timeout=30, trust_env=False)
            assert (told.status_code, told.json()["code"]) == (status, code)


def _refused(caller: socket.socket, header: bytes) -> bool:
    """Whether the server hangs up before it has taken four MiB of headers."""
    deadline = time.monotonic() + 30
    try:
        for _ in range(1024):
            assert time.monotonic() < deadline
            caller.sendall(header)
        caller.sendall(b"\r\n")
        return caller.recv(65536).startswith(b"HTTP/1.1 400")
    except (BrokenPipeError, ConnectionResetError):
        return True
