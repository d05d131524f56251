"""The original file of a document: the very bytes, for who may read the document, and for nobody else."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
import pytest
from sqlalchemy import text
from starlette.testclient import TestClient
from starlette.types import Message

from appliance.access.web import Databases
from appliance.entry import web
from appliance.kit.ids import uuid7
from appliance.kit.settings import Settings
from appliance.knowledge.api_originals import Sent
from appliance.knowledge.downloading import Original
from appliance.knowledge.originals import link
from appliance.knowledge.parsing.host import ParserHost
from appliance.knowledge.parsing.limits import ParseLimits
from tests.factories.files import pdf
from tests.integration.knowledge.office import Office, member
from tests.integration.web.conftest import House, roomy

PDF = pdf([("The pump is serviced every 37 weeks.", 12, 72, 700)])
CHINESE = "规定：员工每年享有十五天带薪年假。\n".encode("gb18030")


@dataclass(frozen=True, slots=True)
class Counter:
    """Where originals are asked for."""

    client: TestClient
    office: Office
    house: House

    def get(self, document: UUID, query: str = "", key: str = "", **headers: str) -> Any:  # noqa: ANN401 - an httpx answer
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers |= self.house.bearer(key or self.house.member_of_one)
        return self.client.get(f"/api/v1/documents/{document}/original{query}", headers=headers)

    def place(self, content: bytes) -> Path:
        """Where a file is kept."""
        with self.office.blobs.local(self.office.me.tenant, hashlib.sha256(content).hexdigest()) as path:
            return path

    def run(self, statement: str, **values: object) -> Any:  # noqa: ANN401 - a result of SQLAlchemy's
        with self.office.databases.app.session(self.office.me.tenant) as session:
            return session.execute(text(statement), values)

    def recorded(self, document: UUID) -> list[object]:
        query = "select details->>'revision' from audit_entries where action = 'document.download' and object = :id"
        with self.office.databases.operator.session() as session:
            return list(session.scalars(text(query), {"id": str(document)}))


@pytest.fixture
def counter(settings: Settings, databases: Databases, house: House) -> Iterator[Counter]:
    app = web.build(roomy(settings, databases))
    with (
        ParserHost(ParseLimits(seconds=30, file_bytes=10_000_000)) as parser,
        TestClient(app, raise_server_exceptions=False) as client,
    ):
        office = Office(databases, settings.layout.blobs, parser)
        office.me = member(house.one)
        office.collection = office.create("handbook")
        yield Counter(client, office, house)


@pytest.mark.parametrize(
    ("name", "content", "kind", "disposition"),
    [
        ("a/pump.pdf", PDF, "application/pdf", 'attachment; filename="pump.pdf"'),
        (
            "年假.txt",
            CHINESE,
            "text/plain",
            "attachment; filename=\"__.txt\"; filename*=UTF-8''%E5%B9%B4%E5%81%87.txt",
        ),
        (
            'a"; filename="b.html',
            b"<p onload=alert(1)>The pump.</p>",
            "text/html",
            "attachment; filename=\"a_; filename=_b.html\"; filename*=UTF-8''a%22%3B%20filename%3D%22b.html",
        ),
    ],
)
def test_the_very_bytes_are_sent_and_no_browser_shows_them(
    counter: Counter, name: str, content: bytes, kind: str, disposition: str
) -> None:
    document = counter.office.ready(name, content)
    answer = counter.get(document.id)
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-type"] == kind
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["content-disposition"] == disposition
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"].split("; ")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["etag"] == f'"{document.sha256}"'
    assert counter.recorded(document.id) == ["1"]


def test_one_that_could_not_be_read_has_its_file_still(counter: Counter) -> None:
    added = counter.office.add("broken.pdf", b"%PDF-1.7 no").document.id
    counter.office.settle()
    assert counter.office.document(added).state == "failed"
    answer = counter.get(added)
    assert (answer.content, answer.headers["content-type"]) == (b"%PDF-1.7 no", "application/octet-stream")


def test_who_has_it_already_is_not_sent_it_again(counter: Counter) -> None:
    document = counter.office.ready("a.md", "# Pumps\n\nThe pump is blue.\n")
    tag = f'"{document.sha256}"'
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        answer = counter.get(document.id, if_none_match=known)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert counter.recorded(document.id) == []
    for other in ('"x"', document.sha256, ""):
        assert counter.get(document.id, if_none_match=other).status_code == 200
    stranger = counter.get(document.id, key=counter.house.member_of_two, if_none_match=tag)
    assert stranger.status_code == 404, "who may not read it does not learn that these are its bytes"


def test_a_part_is_sent_to_who_asks_for_one(counter: Counter) -> None:
    content = bytes(range(65, 91))
    document = counter.office.ready("letters.txt", content)
    tag = f'"{document.sha256}"'
    for asked, part in (("bytes=0-3", b"ABCD"), ("bytes=24-", b"YZ"), ("bytes=24-99", b"YZ"), ("bytes=-2", b"YZ")):
        answer = counter.get(document.id, range=asked, if_range=tag)
        assert (answer.status_code, answer.content) == (206, part), asked
        assert answer.headers["content-range"].endswith("/26")
        assert answer.headers["content-disposition"].startswith("attachment")
    for asked in ("bytes=5-3", "bytes=0-1,4-5", "bytes=", "bytes=a-b", "lines=0-3", "bytes=-", "bytes=0-1-2"):
        answer = counter.get(document.id, range=asked)
        assert (answer.status_code, answer.content) == (200, content), asked
    assert counter.get(document.id, range="bytes=0-3", if_range='"another"').content == content
    for asked in ("bytes=26-", "bytes=99-100", "bytes=-0"):
        answer = counter.get(document.id, range=asked)
        assert (answer.status_code, answer.json()["code"]) == (416, "out_of_range"), asked
        assert answer.headers["content-range"] == "bytes */26"
        assert answer.headers["content-type"] == "application/problem+json"


def test_each_revision_has_its_own(counter: Counter) -> None:
    first = counter.office.ready("a.md", "# One\n\nThe pump is blue.\n")
    second = counter.office.ready("a.md", "# Two\n\nThe pump is red.\n")
    assert first.id == second.id
    assert counter.get(first.id).text == "# Two\n\nThe pump is red.\n"
    for query in ("?revision=1", f"?revision_id={first.revision}", f"?revision=1&revision_id={first.revision}"):
        assert counter.get(first.id, query).text == "# One\n\nThe pump is blue.\n"
    other = counter.office.ready("b.md", "# Other\n\nThe valve is green.\n")
    for query in ("?revision=3", f"?revision_id={other.revision}", f"?revision=2&revision_id={first.revision}"):
        answer = counter.get(first.id, query)
        assert (answer.status_code, answer.json()["code"]) == (404, "revision_not_found"), query
    assert counter.get(first.id, "?revision=0").status_code == 422
    counter.office.add("a.md", b"%PDF-1.7 no")
    counter.office.settle()
    assert counter.get(first.id).text == "# Two\n\nThe pump is red.\n", "what could not be read is not served"


def test_it_is_not_there_for_who_may_not_read_the_document(counter: Counter) -> None:
    document = counter.office.ready("a.md", "# Pumps\n\nThe pump is blue.\n")
    nowhere = uuid7()
    missing = counter.get(nowhere)
    assert (missing.status_code, missing.json()["code"]) == (404, "document_not_found")
    foreign = counter.get(document.id, key=counter.house.member_of_two)
    assert foreign.text.replace(str(document.id), "?") == missing.text.replace(str(nowhere), "?")
    counter.run("update documents set readers = '{user:x}' where id = :id", id=document.id)
    for query in ("", "?revision=1", f"?revision_id={document.revision}"):
        for key in (counter.house.member_of_one, counter.house.admin_of_one):
            closed = counter.get(document.id, query, key)
            assert closed.text.replace(str(document.id), "?") == missing.text.replace(str(nowhere), "?")
    assert counter.client.get(f"/api/v1/documents/{document.id}/original").status_code == 401
    assert counter.recorded(document.id) == []


def test_what_is_forgotten_is_gone_at_once(counter: Counter) -> None:
    document = counter.office.ready("a.md", "# Pumps\n\nThe pump is blue.\n")
    counter.office.forget(document.id)
    for _ in range(2):
        for query in ("", "?revision=1", f"?revision_id={document.revision}"):
            assert counter.get(document.id, query).json()["code"] == "document_not_found"
        counter.office.settle()
    assert counter.office.files() == set()


def test_a_damaged_file_is_an_error_and_not_sent(counter: Counter) -> None:
    content = b"# Pumps\n\nThe pump is blue.\n"
    document = counter.office.ready("a.md", content)
    place = counter.place(content)
    for bad in (content.replace(b"blue", b"pink"), content[:-1], content + b"!", b""):
        place.chmod(0o600)
        place.write_bytes(bad)
        for headers in ({}, {"range": "bytes=0-3"}):
            answer = counter.get(document.id, **headers)
            assert (answer.status_code, answer.json()["code"]) == (500, "original_damaged")
            assert "pump" not in answer.text
    place.unlink()
    assert counter.get(document.id).json()["code"] == "blob_missing"
    place.mkdir()
    assert counter.get(document.id).json()["code"] == "blob_missing"
    assert counter.recorded(document.id) == [], "nothing of it was given"


def test_a_file_goes_in_pieces_and_to_its_end_although_it_is_forgotten_meanwhile(tmp_path: Path) -> None:
    place = tmp_path / "blob"
    content = bytes(3_000_000)
    place.write_bytes(content)
    file = place.open("rb")
    place.unlink()
    sent = Sent(file, Original(uuid7(), "zeros", uuid7(), 1, "0" * 64, "application/octet-stream"))
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    async def receive() -> Message:
        await anyio.sleep_forever()
        raise AssertionError

    anyio.run(sent, {"type": "http", "method": "GET", "headers": [], "path": "/"}, receive, send)
    pieces = [message["body"] for message in messages if message["type"] == "http.response.body"]
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= Sent.chunk_size
    assert file.closed


def test_a_link_goes_to_the_page_of_a_pdf() -> None:
    document, revision = uuid7(), uuid7()
    plain = f"/api/v1/documents/{document}/original?revision_id={revision}"
    assert link(document, revision, "Pump.PDF", 3) == f"{plain}#page=3"
    assert link(document, revision, "pump.pdf", None) == plain
    assert link(document, revision, "talk.pptx", 3) == plain
