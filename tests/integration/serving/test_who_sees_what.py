"""What a tenant is told of routes and engines that it shares with others: nothing of the others, not even how many."""

from uuid import UUID

from appliance.kit import clock
from appliance.serving import repository
from tests.integration.serving.conftest import Engines, Gateway
from tests.integration.serving.test_operating import Desk, desk

__all__ = ["desk"]


def _loaded(engines: Engines, names: list[str], reason: str) -> None:
    """One engine in service that has loaded adapters, and had trouble with another."""
    row = engines.row()
    with engines.databases.system.session() as session:
        now = clock.now()
        told = {"model_version_id": row.version.id, "engine": {}, "seen_at": now, "adapters": names, "reason": reason}
        repository.report_replica(session, row.id, row.id, actual="running", in_service=True, **told)
        repository.report(session, row.id, actual="running", reason=reason, seen_at=now)


def test_adapters_of_other_tenants_are_not_told_nor_what_is_wrong_with_them(
    desk: Desk, engines: Engines, gateway: Gateway
) -> None:
    one, two = gateway.tenants
    base = engines.version("tiny-base").id
    mine, theirs = (engines.adapter(tenant, base, f"of {tenant}", b"\0\0\0\0") for tenant in (one, two))
    _loaded(engines, [mine.engine_name, theirs.engine_name], f"{theirs.name} is tampered")
    where = f"/api/v1/deployments/{engines.row().id}"
    with gateway.client() as client:
        (shown,) = client.get(where).json()["replicas"]
        assert shown["adapters"] == [mine.engine_name]
        told = "".join(client.get(path).text for path in (where, "/api/v1/deployments", "/api/v1/status"))
    assert str(two).replace("-", "")[-12:] not in told
    assert theirs.id.hex not in told
    assert theirs.name not in told
    whole = desk.do("GET", f"deployments/{engines.row().id}").text
    assert theirs.engine_name in whole, "an operator sees all of it"
    assert theirs.name in whole


def test_what_a_route_waits_for_tells_nothing_of_another_tenant_s_adapter(
    desk: Desk, engines: Engines, gateway: Gateway
) -> None:
    one, two = gateway.tenants
    made = desk.create("roomy", engine={"adapters": 2})
    mine = engines.adapter(one, UUID(made["model_id"]), "style", b"\0\0\0\0")
    with engines.databases.system.session() as session:
        told = {"model_version_id": made["model_id"], "engine": {}, "reason": f"of {two} is tampered"}
        now = clock.now()
        repository.report_replica(
            session, UUID(made["id"]), UUID(made["id"]), actual="running", in_service=True, **told
        )
        repository.report(session, UUID(made["id"]), actual="running", seen_at=now)
    desk.do("PUT", "routes/style", {"deployment_id": made["id"], "adapter_id": str(mine.id)})
    assert str(two) in desk.do("GET", "routes/style").json()["waits_for"]
    with gateway.client() as client:
        waits = client.get("/api/v1/routes/style").json()["waits_for"]
    assert waits == "1 of 1 engines have not loaded the adapter"


def test_pages_of_routes_do_not_tell_how_many_others_have(desk: Desk, gateway: Gateway) -> None:
    def pages() -> list[list[str]]:
        found, cursor = [], ""
        with gateway.client() as client:
            while True:
                page = client.get(f"/api/v1/routes?limit=1{cursor}").json()
                found.append([item["name"] for item in page["items"]])
                if page["next_cursor"] is None:
                    return found
                cursor = f"&cursor={page['next_cursor']}"

    before = pages()
    made = desk.create()
    for number in range(3):
        body = {"deployment_id": made["id"], "tenant_ids": [str(gateway.tenants[1])]}
        assert desk.do("PUT", f"routes/theirs-{number}", body).status_code == 200
    assert pages() == before
    body = {"deployment_id": made["id"], "tenant_ids": [str(gateway.tenants[0])]}
    assert desk.do("PUT", "routes/ours", body).status_code == 200
    assert pages() == [*before, ["ours"]]
    with gateway.client() as client:
        items = client.get(f"/api/v1/routes?deployment={made['id']}").json()["items"]
    assert [item["name"] for item in items] == ["ours"]
