"""A second tenant finds nothing of the first: by search, by id, or by a query that forgot its filter."""

import secrets

import psycopg
import pytest

from tests.factories.appliance import Appliance
from tests.factories.shelf import Shelf, prose


def newcomer(made: Appliance, role: str = "tenant_admin") -> str:
    """A new tenant with one user; the user's key."""
    name = f"tenant-{secrets.token_hex(4)}"
    with made.api() as api:
        tenant = api.post("/api/v1/tenants", json={"name": name}).json()["id"]
        body = {"login": f"user-{name}", "name": name, "role": role}
        user = api.post(f"/api/v1/tenants/{tenant}/users", json=body).json()["id"]
        key = api.post(f"/api/v1/tenants/{tenant}/users/{user}/keys", json={"name": "test"})
        assert key.status_code == 201, key.text
        return str(key.json()["key"])


@pytest.fixture
def shelves(running: Appliance) -> tuple[Shelf, Shelf]:
    """A collection of each of two new tenants."""
    running.wait_ready("encoder")
    return Shelf(running, newcomer(running)), Shelf(running, newcomer(running))


def scores(shelf: Shelf, query: str) -> list[tuple[str, float]]:
    with shelf.appliance.api(shelf.key) as api:
        hits = api.post("/api/v1/search", json={"query": query, "limit": 5}).json()["hits"]
    return [(hit["chunk_id"], hit["score"]) for hit in hits]


def test_the_second_tenant_finds_nothing_and_changes_no_score(shelves: tuple[Shelf, Shelf]) -> None:
    first, second = shelves
    seed = secrets.token_hex(4)
    document = first.add("secret.md", prose(10, seed))
    first.wait_state(document, "ready")
    assert first.found(f"Manual {seed}") != []
    assert second.found(f"Manual {seed}") == []
    before = scores(first, f"pump valve {seed}")
    assert before

    with first.appliance.api(second.key) as api:
        for path in (f"documents/{document}", f"documents/{document}/text", f"collections/{first.collection}"):
            assert api.get(f"/api/v1/{path}").status_code == 404, path
        assert api.delete(f"/api/v1/documents/{document}").status_code == 404
        assert api.get("/api/v1/documents").json()["items"] == []
        query = {"query": seed, "collections": [first.collection]}
        assert api.post("/api/v1/search", json=query).json().get("hits", []) == []

    own = second.add("own.md", prose(30, seed))
    second.wait_state(own, "ready")
    assert scores(first, f"pump valve {seed}") == before
    with second.appliance.api(second.key) as api:
        assert api.delete(f"/api/v1/documents/{own}").status_code == 202
    second.assert_gone(own)
    assert scores(first, f"pump valve {seed}") == before
    first.assert_whole()
    second.assert_whole()


def test_row_security_alone_shows_a_query_without_a_filter_only_its_own_tenant(shelves: tuple[Shelf, Shelf]) -> None:
    first, second = shelves
    document = first.add("secret.md", prose(5, secrets.token_hex(4)))
    first.wait_state(document, "ready")
    layout = first.appliance.layout
    with psycopg.connect(
        host=(layout.run / "postgres.host").read_text(),
        user="appliance_app",
        password=layout.secret("postgres-app").read_text(),
        dbname="appliance",
    ) as connection:
        for tenant, sees in ((str(second.tenant()), False), ("", False), (str(first.tenant()), True)):
            connection.execute("select set_config('app.tenant_id', %s, true)", [tenant])
            for table in ("documents", "chunks", "revisions", "term_statistics"):
                row = connection.execute(f"select count(*) from {table}".encode()).fetchone()  # noqa: S608 - names above
                assert row is not None
                assert (row[0] > 0) is sees, (table, tenant)
