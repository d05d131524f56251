"""Questions and conversations over HTTP."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import anyio
import pytest
from starlette.testclient import TestClient
from starlette.types import Message

from appliance.chat.prepared import Asking
from appliance.chat.service import Conversations
from appliance.chat.stream import EventStream
from appliance.entry import web
from appliance.kit.settings import Settings
from tests.integration.chat.conftest import Desk, People

TRIAL = {"question": "How long is the trial period?"}
EVENTS = {"accept": "text/event-stream"}


@dataclass(frozen=True, slots=True)
class Clients:
    """Two people of one tenant at the same web process."""

    client: TestClient
    one: dict[str, str]
    colleague: dict[str, str]

    def post(self, path: str, body: dict[str, Any], **headers: str) -> Any:  # noqa: ANN401 - an httpx response
        """Post as the first of them."""
        return self.client.post(f"/api/v1{path}", json=body, headers=self.one | headers)

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """What the first of them sees."""
        return self.client.get(f"/api/v1{path}", headers=self.one).json()


@pytest.fixture
def clients(settings: Settings, desk: Desk, people_of: People) -> Iterator[Clients]:
    app = web.build(settings)
    app.state.answering = desk.answering
    keys = ({"authorization": f"Bearer {key}"} for key in (people_of.key, people_of.key_of_colleague))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Clients(client, *keys)


def events(body: str) -> list[tuple[int, str, dict[str, Any]]]:
    """The events of a stream: id, name, object."""
    found = []
    for part in body.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in part.split("\n"))
        found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return found


def test_an_answer_comes_whole_as_json(clients: Clients, desk: Desk) -> None:
    desk.says("The trial period is 2 months.")

    answer = clients.post("/ask", TRIAL)

    assert answer.status_code == 200
    body = answer.json()
    assert body["answer"] == "The trial period is 2 months."
    assert body["sentences"] == [
        {"text": "The trial period is 2 months.", "supported": True, "citations": [1], "contradicted_by": []}
    ]
    assert body["citations"][0]["document"] == "onboarding.md"


def test_an_answer_comes_as_events_with_ids(clients: Clients, desk: Desk) -> None:
    desk.says("The trial period is 9 months.")

    answer = clients.post("/ask", TRIAL, **EVENTS)

    assert answer.headers["content-type"].startswith("text/event-stream")
    told = events(answer.text)
    assert [number for number, _, _ in told] == list(range(1, len(told) + 1))
    names = [name for _, name, _ in told]
    assert names[:4] == ["status", "status", "status", "delta"]
    assert names[-4:] == ["sentence", "replaced", "sentence", "done"]
    assert told[-1][2]["answer"] == "The trial period is 2 months."


def test_an_error_after_the_first_byte_is_the_last_event(clients: Clients, desk: Desk, people_of: People) -> None:
    kept = clients.post("/conversations", {"title": "doomed"}).json()["id"]
    desk.says("The trial period is 2 months.")

    def delete() -> None:
        with desk.databases.app.session(people_of.one.tenant) as session:
            Conversations(session, people_of.one).remove(UUID(kept))

    desk.upstream.watch = delete

    told = events(clients.post(f"/conversations/{kept}/messages", TRIAL, **EVENTS).text)

    assert told[-1][1] == "error"
    assert told[-1][2]["code"] == "message_settled"


def test_a_question_in_a_conversation_is_found_among_its_messages(clients: Clients, desk: Desk) -> None:
    desk.stop_engine()
    made = clients.post("/conversations", {"title": "My first days"})
    assert made.status_code == 201
    key = made.json()["id"]

    answer = clients.post(f"/conversations/{key}/messages", TRIAL).json()

    assert answer["conversation"] == key
    assert clients.get(f"/conversations/{key}")["title"] == "My first days"
    assert [one["id"] for one in clients.get("/conversations")["items"]] == [key]
    question, told = clients.get(f"/conversations/{key}/messages")["items"]
    assert (question["role"], question["content"], question["state"]) == ("user", TRIAL["question"], "done")
    assert (told["role"], told["mode"], told["citations"]) == ("assistant", "quoted", answer["citations"])


def test_a_conversation_is_made_once_for_each_key(clients: Clients) -> None:
    made = [clients.post("/conversations", {}, **{"idempotency-key": "k"}).json()["id"] for _ in range(2)]

    assert made[0] == made[1]


def test_a_deleted_conversation_is_not_found(clients: Clients) -> None:
    key = clients.post("/conversations", {}).json()["id"]

    assert clients.client.delete(f"/api/v1/conversations/{key}", headers=clients.one).status_code == 204
    assert clients.get(f"/conversations/{key}")["code"] == "conversation_not_found"


def test_a_colleague_finds_nothing_of_it(clients: Clients, desk: Desk) -> None:
    desk.stop_engine()
    key = clients.post("/ask", TRIAL).json()["conversation"]

    for method, path in (("GET", ""), ("GET", "/messages"), ("DELETE", "")):
        answer = clients.client.request(method, f"/api/v1/conversations/{key}{path}", headers=clients.colleague)
        assert (answer.status_code, answer.json()["code"]) == (404, "conversation_not_found")
    posted = clients.client.post("/api/v1/ask", json=TRIAL | {"conversation": key}, headers=clients.colleague)
    assert posted.status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"question": ""},
        {"question": " \n"},
        {"question": "x" * 4001},
        {"question": "a", "mode": "sung"},
        {"question": "a", "collections": []},
        {"question": "a", "unknown": 1},
        {"question": "nul \x00 byte"},
    ],
)
def test_a_malformed_question_is_refused_and_changes_nothing(clients: Clients, body: dict[str, Any]) -> None:
    answer = clients.post("/ask", body)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert clients.get("/conversations")["items"] == []


def test_without_a_key_nobody_asks(clients: Clients) -> None:
    assert clients.client.post("/api/v1/ask", json=TRIAL).status_code == 401


def test_a_caller_who_hangs_up_aborts_the_engine(desk: Desk, people_of: People) -> None:
    desk.says("The trial", hangs=True)
    sent: list[bytes] = []

    async def run() -> None:
        heard = anyio.Event()

        async def send(message: Message) -> None:
            sent.append(message.get("body", b""))
            if b"event: delta" in sent[-1]:
                heard.set()

        received = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> Message:
            if part := next(received, None):
                return part
            await heard.wait()
            return {"type": "http.disconnect"}

        prepared = await desk.answering.prepare(Asking(TRIAL["question"]), people_of.one)
        with anyio.fail_after(10):
            await EventStream(desk.answering.stream(prepared))({"type": "http"}, receive, send)

    anyio.run(run)

    assert desk.upstream.left == 1
    assert not any(b"event: done" in part for part in sent)
