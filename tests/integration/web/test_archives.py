"""Collections as archives over HTTP and the command line: who may, what is sent, and that it comes back."""

import hashlib
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.entry import web
from appliance.entry.cli.client import BrokeOff
from appliance.entry.cli.jobs import JobFailed
from appliance.kit.settings import Settings
from appliance.knowledge import connect
from appliance.knowledge.importing import IMPORT, Importing
from tests.factories import archives
from tests.factories.cli import Run, document, run
from tests.factories.serving import listening
from tests.integration.jobs.work import Shop
from tests.integration.web.conftest import House, roomy

IMPORTS = "/api/v1/collection-imports"
LEAVE = b"# Leave\n\nEveryone has 25 days.\n"


@pytest.fixture
def shop(databases: Databases, settings: Settings) -> Shop:
    """A worker that takes archives in, and reads nothing."""
    made, blobs, shelf = Shop(databases), connect.blobs(settings), connect.archives(settings)
    made.registry.add(IMPORT, lambda run: Importing(run, blobs, shelf)())
    return made


def made(client: TestClient, key: str, name: str = "handbook") -> str:
    """A collection with one document."""
    headers = House.bearer(key)
    collection = client.post("/api/v1/collections", json={"name": name}, headers=headers).json()["id"]
    sent = client.post(
        f"/api/v1/collections/{collection}/documents", files={"file": ("leave.md", LEAVE)}, headers=headers
    )
    assert sent.status_code == 202, sent.text
    return str(collection)


def imported(client: TestClient, key: str, raw: bytes, **form: str) -> tuple[int, Any]:
    answer = client.post(IMPORTS, files={"file": ("c.zip", raw)}, data=form, headers=House.bearer(key))
    return answer.status_code, answer.json()


def test_an_archive_is_sent_and_comes_in_as_another_collection(client: TestClient, house: House, shop: Shop) -> None:
    collection, headers = made(client, house.member_of_one), House.bearer(house.member_of_one)
    answer = client.get(f"/api/v1/collections/{collection}/archive", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == f'attachment; filename="collection-{collection}.zip"'
    assert (answer.headers["x-content-type-options"], answer.headers["cache-control"]) == ("nosniff", "no-store")
    with ZipFile(io.BytesIO(answer.content)) as archive:
        assert json.loads(archive.read("manifest.json"))["documents"] == 1
        assert archive.read(f"originals/{hashlib.sha256(LEAVE).hexdigest()}") == LEAVE
    status, asked = imported(client, house.member_of_two, answer.content, name="from one")
    assert (status, asked["job"] == asked["collection_id"] == asked["batch_id"]) == (202, True)
    shown = client.get(f"/api/v1/jobs/{asked['job']}", headers=House.bearer(house.member_of_two)).json()
    while shown["state"] == "queued":
        assert shop.runner().run_next() is not None
        shown = client.get(f"/api/v1/jobs/{asked['job']}", headers=House.bearer(house.member_of_two)).json()
    assert (shown["state"], shown["result"]["documents"]) == ("succeeded", 1), shown
    listed = client.get(
        f"/api/v1/documents?collection={asked['collection_id']}", headers=House.bearer(house.member_of_two)
    ).json()["items"]
    assert [one["name"] for one in listed] == ["leave.md"]
    for key in (house.admin_of_two, house.member_of_one):
        assert client.get(f"/api/v1/documents/{listed[0]['id']}", headers=House.bearer(key)).status_code == 404
    batch = client.get(f"/api/v1/batches/{asked['batch_id']}", headers=House.bearer(house.member_of_two)).json()
    assert (batch["kind"], batch["total"]) == ("import", 1)


def test_it_is_nobody_elses_and_a_reader_neither_exports_nor_imports(client: TestClient, house: House) -> None:
    collection = made(client, house.member_of_one)
    path = f"/api/v1/collections/{collection}/archive"
    assert client.get(path, headers=House.bearer(house.admin_of_two)).json()["code"] == "collection_not_found"
    assert client.get(path, headers=House.bearer(house.scim_of_one)).status_code == 403
    made_user = client.post(
        f"/api/v1/tenants/{house.one}/users",
        json={"login": "reader", "name": "Reader", "role": "member"},
        headers=House.bearer(house.admin_of_one),
    ).json()
    key = client.post(
        f"/api/v1/tenants/{house.one}/users/{made_user['id']}/keys",
        json={"name": "k"},
        headers=House.bearer(house.admin_of_one),
    ).json()["key"]
    assert client.get(path, headers=House.bearer(key)).status_code == 403
    assert imported(client, key, archives.archive())[0] == 403
    document_id = client.get(f"/api/v1/documents?collection={collection}", headers=House.bearer(key)).json()["items"][0]
    shared = client.put(
        f"/api/v1/documents/{document_id['id']}/access",
        json={"users": [made_user["id"]]},
        headers=House.bearer(house.admin_of_one),
    )
    assert shared.status_code == 200
    for who in (house.member_of_one, house.admin_of_one):
        assert client.get(path, headers=House.bearer(who)).json()["code"] == "not_all_yours"


def test_what_is_no_archive_is_refused_at_once_and_a_repeat_asks_once(client: TestClient, house: House) -> None:
    assert imported(client, house.member_of_one, b"no zip")[1]["code"] == "not_a_collection_archive"
    made(client, house.member_of_one)
    status, told = imported(client, house.member_of_one, archives.archive(), name="handbook")
    assert (status, told["code"]) == (409, "collection_exists")
    headers = House.bearer(house.member_of_one) | {"idempotency-key": "once"}
    answers = [
        client.post(IMPORTS, files={"file": ("c.zip", archives.archive())}, headers=headers).json() for _ in range(2)
    ]
    assert answers[0]["job"] == answers[1]["job"]


def test_an_archive_may_be_larger_than_a_document(settings: Settings, databases: Databases, house: House) -> None:
    limits = settings.web.model_copy(update={"largest_upload": 100, "largest_archive": 200_000})
    small = roomy(settings, databases).model_copy(update={"web": limits})
    with TestClient(web.build(small)) as client:
        assert imported(client, house.member_of_one, archives.archive())[0] == 202
        status, told = imported(client, house.member_of_one, b"PK" + bytes(300_000))
        assert (status, told["code"]) == (413, "file_too_large")


@contextmanager
def working(shop: Shop) -> Iterator[None]:
    """A worker beside, for verbs that wait for a job."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.05):
            shop.runner().run_next()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.fixture
def cli(settings: Settings, databases: Databases, house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Verbs of the administrator of tenant one, over a real socket."""
    configured = roomy(settings, databases)
    with listening(web.server(web.build(configured), configured)) as port:
        monkeypatch.setenv("APPLIANCE_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("APPLIANCE_KEY", house.admin_of_one)
        yield run


def test_the_verbs_write_a_file_and_take_it_in(cli: Run, shop: Shop, settings: Settings, tmp_path: Path) -> None:
    held, target = tmp_path / "hall.zip", tmp_path / "out.zip"
    held.write_bytes(archives.archive())
    with working(shop):
        done = document(cli("collections", "import", held, "--as", "hall 4", "--json")[1])
        assert (done["documents"], done["name"], done["access"]) == (2, "hall 4", "importer")
        printed = cli("collections", "import", held)[1]
        assert "Took in 2 documents as 'hall'" in printed
        assert "collections share" in printed
        with pytest.raises(JobFailed, match="is there already"):
            cli("collections", "import", held)
        held.write_bytes(archives.archive({**archives.usual(), "../x": b"x"}))
        with pytest.raises(JobFailed, match="no file"):
            cli("collections", "import", held, "--as", "hostile")
    told = document(cli("collections", "export", "hall 4", target, "--json")[1])
    assert (told["documents"], told["sha256"]) == (2, hashlib.sha256(target.read_bytes()).hexdigest())
    assert "2 documents" in cli("collections", "export", "hall 4", target, "--texts")[1]
    with ZipFile(target) as archive:
        lines = [json.loads(line) for line in archive.read("documents.jsonl").splitlines()]
    assert {(one["name"], tuple(one["tags"])) for one in lines} == {("pump.txt", ("hall 4",)), ("valve.txt", ())}
    (place,) = settings.layout.blobs.glob(f"*/*/{archives.digest(archives.PUMP)}")
    place.write_bytes(b"another pump")
    target.unlink()
    with pytest.raises(BrokeOff):
        cli("collections", "export", "hall 4", target)
    assert not list(tmp_path.glob("*out.zip*"))
