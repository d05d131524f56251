"""Documents in an appliance under test, put there and looked for over HTTP, and counted where they are kept."""

import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import httpx

from appliance.kit.wire import Client, WireDown
from tests.factories.appliance import Appliance, wait

WORDS = ("pump", "valve", "filter", "invoice", "holiday", "contract", "engineer", "kitchen", "window", "river", "shelf")


def prose(paragraphs: int, seed: str) -> str:
    """Markdown of so many headings and paragraphs of 50 words, none like another document's."""
    parts = [f"# Manual {seed}"]
    for number in range(paragraphs):
        words = [f"{WORDS[(number * 7 + place * 3) % len(WORDS)]}" for place in range(46)]
        parts.append(f"## Section {number}\n\nItem {seed}-{number} " + " ".join(words) + ".")
    return "\n\n".join(parts)


@dataclass(slots=True)
class Shelf:
    """A collection of its own, seen by one key (None: the operator's)."""

    appliance: Appliance
    key: str | None = None
    name: str = field(default_factory=lambda: f"shelf-{secrets.token_hex(4)}")
    collection: str = ""

    def __post_init__(self) -> None:
        with self.appliance.api(self.key) as api:
            made = api.post("/api/v1/collections", json={"name": self.name})
            assert made.status_code == 201, made.text
            self.collection = made.json()["id"]

    def add(self, name: str, text: str) -> str:
        """Upload a text; the document's id. The upload is to be answered at once."""
        begun = time.monotonic()
        with self.appliance.api(self.key) as api:
            answer = self._post(api, name, text)
        assert answer.status_code == 202, answer.text
        assert time.monotonic() - begun < 10
        return str(answer.json()["document"]["id"])

    def _post(self, api: httpx.Client, name: str, text: str) -> httpx.Response:
        files = {"file": (name, text.encode(), "text/markdown")}
        return api.post(f"/api/v1/collections/{self.collection}/documents", files=files)

    def state(self, document: str) -> str:
        """The document's state, read from the database so that it costs the appliance nothing."""
        return str(self.appliance.value("select state from documents where id = %s", document))

    def wait_state(self, document: str, *states: str, seconds: float = 60) -> float:
        """Wait until the document is in one of these states; how long that took."""
        with self.appliance.database() as connection:

            def seen() -> bool:
                row = connection.execute("select state from documents where id = %s", [document]).fetchone()
                assert row is not None
                assert row[0] in states or row[0] != "failed", self.reason(document)
                return row[0] in states

            return wait(seen, seconds, f"document in {states}, it is {self.state(document)}")

    def reason(self, document: str) -> object:
        """Why a document failed."""
        return self.appliance.value("select reason from documents where id = %s", document)

    def found(self, query: str) -> list[str]:
        """Names of the documents that a search finds, best first."""
        with self.appliance.api(self.key) as api:
            answer = api.post("/api/v1/search", json={"query": query, "limit": 10})
        assert answer.status_code == 200, answer.text
        return [hit["document"] for hit in answer.json()["hits"]]

    def tenant(self) -> UUID:
        """Whose shelf it is."""
        found = self.appliance.value("select tenant_id from collections where id = %s", self.collection)
        return UUID(str(found))

    def assert_gone(self, document: str) -> None:
        """Nothing of a forgotten document is left."""
        query = "select count(*) from documents where id = %s"
        wait(lambda: self.appliance.value(query, document) == 0, 60, "the document forgotten")
        assert self.appliance.value("select count(*) from chunks where document_id = %s", document) == 0

    def assert_whole(self) -> None:
        """Each document is there once, with every chunk once, and the index holds exactly the tenant's chunks."""
        tenant, value = self.tenant(), self.appliance.value
        twice = "select count(*) - count(distinct name) from documents where collection_id = %s"
        assert value(twice, self.collection) == 0
        broken = (
            "select count(*) from revisions r where tenant_id = %s and chunk_count is not null and chunk_count <> "
            "(select count(distinct ordinal) from chunks c where c.revision_id = r.id)"
        )
        assert value(broken, tenant) == 0
        chunks = value("select count(*) from chunks where tenant_id = %s", tenant)
        assert value("select chunks from corpus_statistics where tenant_id = %s", tenant) == chunks
        index = Client(self.appliance.layout.index_socket, 10)

        def same() -> bool:
            with suppress(WireDown):  # a new index process answers once it has caught up
                return bool(index.call("count", tenant=tenant.bytes) == chunks)
            return False

        wait(same, 30, f"{chunks} vectors")
        index.close()
