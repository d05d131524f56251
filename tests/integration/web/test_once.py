"""Creates with an Idempotency-Key are done once."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

import pytest
from fastapi import APIRouter, Form, Response, UploadFile
from pydantic import BaseModel
from sqlalchemy import text
from starlette.testclient import TestClient

from appliance.access.web import Caller, Databases, Tx
from appliance.entry import web
from appliance.jobs.service import Jobs
from appliance.kit.errors import Conflict
from appliance.kit.settings import Settings
from appliance.tenants import idempotency
from appliance.tenants.once import ONCE, REPLAYED, OnceRoute
from tests.factories.processes import until
from tests.integration.web.conftest import House

router = APIRouter(prefix="/api/v1", route_class=OnceRoute)
entered, leave = threading.Semaphore(0), threading.Event()


class Body(BaseModel):
    """What to make."""

    name: str
    slow: bool = False


@router.post("/things", status_code=201, dependencies=[ONCE])
def make(body: Body, session: Tx, principal: Caller) -> dict[str, str]:
    """Make a job of this name."""
    job = Jobs(session, principal.tenant).ask(body.name, {})
    if body.slow:
        entered.release()
        leave.wait(20)
    if body.name == "refused":
        raise Conflict
    return {"名": body.name, "id": str(job)}


@router.post("/files", status_code=202, dependencies=[ONCE])
def upload(file: UploadFile, session: Tx, principal: Caller, name: Annotated[str, Form()] = "") -> dict[str, object]:
    """Make a job from a file."""
    content = file.file.read()
    return {"id": str(Jobs(session, principal.tenant).ask(name or "file", {})), "size": len(content)}


@router.post("/nothing", status_code=204, dependencies=[ONCE])
def nothing(session: Tx, principal: Caller) -> Response:
    """Make a job and tell nothing."""
    Jobs(session, principal.tenant).ask("nothing", {})
    return Response(status_code=204)


plain = APIRouter(prefix="/api/v1")


@plain.post("/misplaced", dependencies=[ONCE])
def misplaced(session: Tx) -> None:
    """A route whose answers would not be kept."""


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    app = web.build(settings)
    app.include_router(router)
    app.include_router(plain)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def made(databases: Databases) -> int:
    with databases.system.session() as session:
        return int(session.execute(text("select count(*) from jobs")).scalar_one())


def headers(house: House, key: str = "k-1") -> dict[str, str]:
    return {**House.bearer(house.member_of_one), "Idempotency-Key": key}


def test_a_repeated_create_is_done_once_and_answered_alike(
    client: TestClient, house: House, databases: Databases
) -> None:
    first = client.post("/api/v1/things", json={"name": "x"}, headers=headers(house))
    again = client.post("/api/v1/things", json={"name": "x"}, headers=headers(house))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert (first.headers.get(REPLAYED), again.headers.get(REPLAYED)) == (None, "true")
    assert made(databases) == 1


def test_without_a_key_or_with_another_it_is_done_again(client: TestClient, house: House, databases: Databases) -> None:
    for sent in (House.bearer(house.member_of_one), House.bearer(house.member_of_one), headers(house, "a")):
        assert client.post("/api/v1/things", json={"name": "x"}, headers=sent).status_code == 201
    assert client.post("/api/v1/things", json={"name": "x"}, headers=headers(house, "b")).status_code == 201
    assert made(databases) == 4


@pytest.mark.parametrize(
    ("path", "body"), [("things", {"name": "y"}), ("things?x=1", {"name": "x"}), ("nothing", {"name": "x"})]
)
def test_a_key_that_comes_with_another_request_is_refused(
    client: TestClient, house: House, databases: Databases, path: str, body: dict[str, str]
) -> None:
    client.post("/api/v1/things", json={"name": "x"}, headers=headers(house))
    other = client.post(f"/api/v1/{path}", json=body, headers=headers(house))
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert made(databases) == 1


def test_the_same_key_of_another_user_is_another_key(client: TestClient, house: House, databases: Databases) -> None:
    first = client.post("/api/v1/things", json={"name": "x"}, headers=headers(house)).json()
    theirs = {**House.bearer(house.member_of_two), "Idempotency-Key": "k-1"}
    second = client.post("/api/v1/things", json={"name": "x"}, headers=theirs).json()
    assert first["id"] != second["id"]
    assert made(databases) == 2


@pytest.mark.parametrize("body", [{"name": "refused"}, {}])
def test_a_create_that_was_refused_changed_nothing_and_may_be_tried_again(
    client: TestClient, house: House, databases: Databases, body: dict[str, str]
) -> None:
    for _ in range(2):
        assert client.post("/api/v1/things", json=body, headers=headers(house)).status_code in (409, 422)
    assert made(databases) == 0
    assert client.post("/api/v1/things", json={"name": "x"}, headers=headers(house)).status_code == 201


def test_an_upload_is_known_by_its_content_and_not_by_its_boundary(
    client: TestClient, house: House, databases: Databases
) -> None:
    def send(content: bytes, filename: str, name: str) -> tuple[int, dict[str, object]]:
        files, data = {"file": (filename, content)}, {"name": name}
        answer = client.post("/api/v1/files", files=files, data=data, headers=headers(house))
        return answer.status_code, answer.json()

    large = b"x" * 1_500_000  # Starlette keeps up to 1 MiB in memory, the rest in a file; the edge takes 2 MiB
    first = send(large, "a.txt", "n")
    assert first[0] == 202
    assert first[1]["size"] == len(large)
    assert send(large, "a.txt", "n") == first
    for changed in (send(large[1:] + b"y", "a.txt", "n"), send(large, "b.txt", "n"), send(large, "a.txt", "m")):
        assert changed[0] == 422
    assert made(databases) == 1


def test_an_empty_answer_is_repeated_empty(client: TestClient, house: House, databases: Databases) -> None:
    for replayed in (None, "true"):
        answer = client.post("/api/v1/nothing", headers=headers(house))
        assert (answer.status_code, answer.content, answer.headers.get(REPLAYED)) == (204, b"", replayed)
    assert made(databases) == 1


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_of_no_sensible_length_is_refused(client: TestClient, house: House, key: str) -> None:
    assert client.post("/api/v1/things", json={"name": "x"}, headers=headers(house, key)).status_code == 422


def test_a_route_that_would_not_keep_its_answers_says_so(client: TestClient, house: House) -> None:
    assert client.post("/api/v1/misplaced", headers=headers(house)).status_code == 500


def test_a_second_request_in_the_same_moment_gets_the_answer_of_the_first(
    client: TestClient, house: House, databases: Databases
) -> None:
    leave.clear()
    answers = []

    def send() -> None:
        body = {"name": "x", "slow": True}
        answers.append(client.post("/api/v1/things", json=body, headers=headers(house)))

    threads = [threading.Thread(target=send) for _ in range(2)]
    threads[0].start()
    assert entered.acquire(timeout=20)
    threads[1].start()
    until(lambda: waits(databases))
    leave.set()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert made(databases) == 1


def waits(databases: Databases) -> bool:
    with databases.system.session() as session:
        return bool(session.execute(text("select count(*) from pg_locks where not granted")).scalar_one())


def test_a_key_whose_act_takes_too_long_is_in_use(settings: Settings, house: House) -> None:
    impatient = settings.model_copy(update={"database": settings.database.model_copy(update={"lock_timeout_ms": 100})})
    app = web.build(impatient)
    app.include_router(router)
    leave.clear()
    body = {"name": "x", "slow": True}
    with TestClient(app, raise_server_exceptions=False) as client:
        first = threading.Thread(
            target=client.post, args=("/api/v1/things",), kwargs={"json": body, "headers": headers(house)}
        )
        first.start()
        assert entered.acquire(timeout=20)
        second = client.post("/api/v1/things", json=body, headers=headers(house))
        leave.set()
        first.join()
        third = client.post("/api/v1/things", json=body, headers=headers(house))
    assert (second.status_code, second.json()["code"]) == (409, "idempotency_key_in_use")
    assert second.headers["retry-after"] == "2"
    assert (third.status_code, third.headers[REPLAYED]) == (201, "true")


def test_keys_are_forgotten_after_their_time(client: TestClient, house: House, databases: Databases) -> None:
    client.post("/api/v1/things", json={"name": "x"}, headers=headers(house))
    with databases.system.session() as session:
        assert idempotency.forget(session, timedelta(hours=1)) == 0
        assert idempotency.forget(session, timedelta(0)) == 1
    client.post("/api/v1/things", json={"name": "x"}, headers=headers(house))
    assert made(databases) == 2


def test_lists_of_parts_do_not_look_alike() -> None:
    assert idempotency.fingerprint([b"ab", b"c"]) != idempotency.fingerprint([b"a", b"bc"])
