"""Deployments and routes as an operator changes them over the API; no engine runs, the rows say what one would."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from appliance.kit.ids import uuid7
from appliance.serving.routes import DEFAULT
from tests.factories import models
from tests.factories.deployments import pretend
from tests.factories.models import LANGUAGE
from tests.integration.serving.conftest import Engines, Gateway, serving

WITH_ADAPTERS = {"adapters": 2}


class Desk:
    """An operator at the API."""

    def __init__(self, engines: Engines, gateway: Gateway) -> None:
        self.engines = engines
        self.gateway = gateway
        self.client = gateway.client(gateway.operator)

    def do(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:  # noqa: ANN401 - JSON
        """Ask, with the ETag of what is there unless another is given."""
        if method in ("PUT", "PATCH", "POST") and "/" in path and "if_match" not in headers:
            headers["if_match"] = self.client.get(f"/api/v1/{'/'.join(path.split('/')[:2])}").headers.get("etag", "")
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request(method, f"/api/v1/{path}", json=body, headers=told)

    def create(self, name: str = "second", **body: object) -> dict[str, Any]:
        """A deployment of another version."""
        version = self.engines.version(f"tiny-{name}")
        answer = self.do("POST", "deployments", {"name": name, "model_id": str(version.id), **body})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def audited(self) -> list[tuple[str, str]]:
        """What the record holds of deployments and routes."""
        query = "select action, outcome from audit_entries where action ~ '^(deployment|route)' order by id"
        with self.engines.databases.operator.session() as session:
            return [(row.action, row.outcome) for row in session.execute(text(query))]


@pytest.fixture
def desk(engines: Engines, gateway: Gateway) -> Iterator[Desk]:
    made = Desk(engines, gateway)
    yield made
    made.client.close()


def refused(answer: httpx.Response, status: int, code: str) -> str:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return str(answer.json()["detail"])


def test_a_deployment_is_created_once_shown_changed_and_deleted(desk: Desk) -> None:
    version = desk.engines.version("tiny-second")
    body = {"name": "second", "model_id": str(version.id), "engine": {"context": 512}, "replicas": 2}
    first, again = (desk.do("POST", "deployments", body, idempotency_key="once") for _ in range(2))
    assert first.json() == again.json()
    made = first.json()
    assert (made["digest"], made["serving_digest"], made["wanted_replicas"]) == (version.digest, None, 2)
    assert made["engine"]["context"] == 512
    assert desk.do("GET", "deployments?name=second").json()["items"] == [made]
    changed = desk.do("PATCH", f"deployments/{made['id']}", {"replicas": 1, "engine": {"sequences": 8}}).json()
    assert (changed["wanted_replicas"], changed["engine"]["sequences"], changed["engine"]["context"]) == (1, 8, 512)
    assert desk.do("DELETE", f"deployments/{made['id']}").status_code == 204
    refused(desk.do("GET", f"deployments/{made['id']}"), 404, "deployment_not_found")
    assert [action for action, _ in desk.audited()] == ["deployment.create", "deployment.update", "deployment.delete"]


def test_what_cannot_be_deployed_is_refused_and_changes_nothing(desk: Desk) -> None:
    second = desk.create()
    encoder = next(one for one in desk.do("GET", "models").json()["items"] if one["kind"] == "encoder")
    body = {"name": "third", "model_id": second["model_id"]}
    refused(desk.do("POST", "deployments", {**body, "name": "second"}), 409, "name_taken")
    refused(desk.do("POST", "deployments", {**body, "model_id": str(uuid7())}), 404, "model_not_found")
    refused(desk.do("POST", "deployments", {**body, "model_id": encoder["id"]}), 409, "model_not_ready")
    unserved = {**body, "model_id": str(desk.engines.version("chatglm3-6b").id)}
    assert "tokenizer is a Python file" in refused(desk.do("POST", "deployments", unserved), 409, "model_not_ready")
    assert "contxt" in refused(
        desk.do("POST", "deployments", {**body, "engine": {"contxt": 1}}), 422, "bad_engine_settings"
    )
    for wrong in ({"name": "Not A Name"}, {"replicas": 0}, {"address": "http://elsewhere"}):
        assert desk.do("POST", "deployments", {**body, **wrong}).status_code == 422
    assert [one["name"] for one in desk.do("GET", "deployments").json()["items"]] == [LANGUAGE, "second"]


def test_graphics_cards_are_counted_by_the_licence_and_processors_are_not(desk: Desk) -> None:
    card = {"engine": {"device": "cuda"}}
    first = desk.create("first", **card)
    version = desk.engines.version("tiny-more")
    more = {"name": "more", "model_id": str(version.id), **card}
    refused(desk.do("POST", "deployments", more), 403, "licence_limit")
    refused(desk.do("PATCH", f"deployments/{first['id']}", {"replicas": 2}), 403, "licence_limit")
    assert desk.do("POST", "deployments", {**more, "engine": {}}).status_code == 201
    assert desk.do("POST", f"deployments/{first['id']}/stop").json()["desired"] == "stopped"
    assert desk.do("POST", "deployments", {**more, "name": "instead"}).status_code == 201
    refused(desk.do("POST", f"deployments/{first['id']}/start"), 403, "licence_limit")


def test_a_change_names_what_it_was_made_for(desk: Desk) -> None:
    made = desk.create()
    path, body = f"deployments/{made['id']}", {"replicas": 2}
    refused(desk.do("PATCH", path, body, if_match=""), 428, "if_match_missing")
    assert desk.do("PATCH", path, body).status_code == 200
    refused(desk.do("PATCH", path, body, if_match='"1"'), 412, "changed_meanwhile")
    refused(desk.do("PUT", f"routes/{DEFAULT}", {"deployment_id": made["id"]}, if_match=""), 428, "if_match_missing")


def test_starting_and_stopping_are_harmless_to_repeat(desk: Desk) -> None:
    made = desk.create()
    for verb, wanted in (("stop", "stopped"), ("stop", "stopped"), ("start", "running"), ("start", "running")):
        assert desk.do("POST", f"deployments/{made['id']}/{verb}").json()["desired"] == wanted
    assert [action for action, _ in desk.audited()] == ["deployment.create", "deployment.stop", "deployment.start"]


def test_a_swap_is_remembered_and_undone(desk: Desk) -> None:
    made = desk.create()
    path = f"deployments/{made['id']}"
    refused(desk.do("POST", f"{path}/rollback"), 409, "nothing_former")
    third = desk.engines.version("tiny-third")
    swapped = desk.do("POST", f"{path}/swap", {"model_id": str(third.id), "engine": {"context": 1024}}).json()
    assert (swapped["digest"], swapped["former_model_id"]) == (third.digest, made["model_id"])
    back = desk.do("POST", f"{path}/rollback").json()
    assert (back["digest"], back["engine"], back["former_model_id"]) == (made["digest"], made["engine"], str(third.id))


def test_a_deployment_that_a_route_leads_to_stays(desk: Desk) -> None:
    made = desk.create()
    desk.do("PUT", "routes/support", {"deployment_id": desk.engines.row().id.hex, "fallback_id": made["id"]})
    answer = desk.do("DELETE", f"deployments/{made['id']}")
    assert "support" in refused(answer, 409, "deployment_in_use")


def test_who_is_no_operator_may_look_at_what_it_may_use(desk: Desk) -> None:
    deployment = str(desk.engines.row().id)
    one, two = desk.gateway.tenants
    assert desk.do("PUT", "routes/mine", {"deployment_id": deployment, "tenant_ids": [str(one)]}).status_code == 200
    seen = {}
    for key in (desk.gateway.one, desk.gateway.two):
        with desk.gateway.client(key) as client:
            seen[key] = [route["name"] for route in client.get("/api/v1/routes").json()["items"]]
            named = client.get("/api/v1/deployments").json()["items"][0]["routes"]
            assert sorted(named) == sorted(seen[key])
            callable_ = [model["id"] for model in client.get("/v1/models").json()["data"]]
            assert [model for model in callable_ if not model.endswith("-encoder")] == sorted(seen[key])
            for method, path in (("PUT", "routes/mine"), ("POST", f"deployments/{deployment}/stop")):
                assert client.request(method, f"/api/v1/{path}", json={"deployment_id": deployment}).status_code == 403
            assert client.get(f"/api/v1/deployments/{deployment}/logs").status_code == 403
    assert "mine" in seen[desk.gateway.one]
    assert "mine" not in seen[desk.gateway.two]
    with desk.gateway.client(desk.gateway.two) as client:
        foreign, unknown = (client.get(f"/api/v1/routes/{name}").json() for name in ("mine", "nine"))
        assert {**foreign, "instance": ""} == {**unknown, "instance": "", "detail": "there is no route 'mine'"}
    assert two not in desk.engines.route("mine").tenants


def test_a_new_route_leads_there_at_once_and_a_changed_one_when_it_is_ready(desk: Desk) -> None:
    made = desk.create()
    first = desk.do("PUT", "routes/support", {"deployment_id": made["id"]}).json()
    assert (first["lead"]["deployment"], first["next"]) == ("second", None)
    again = desk.do("PUT", "routes/support", {"deployment_id": str(desk.engines.row().id)}).json()
    assert (again["lead"]["deployment"], again["next"]["deployment"]) == ("second", LANGUAGE)
    assert again["waits_for"] == f"deployment {LANGUAGE} has no engine in service"
    with desk.engines.databases.system.session() as session:
        pretend(session)
    assert desk.do("GET", "routes/support").json()["waits_for"] is None
    undone = desk.do("PUT", "routes/support", {"deployment_id": made["id"]}).json()
    assert undone["next"] is None


def test_an_adapter_leads_only_its_tenant_and_only_where_it_fits(desk: Desk) -> None:
    one, two = desk.gateway.tenants
    plain, made = desk.create("plain"), desk.create("roomy", engine=WITH_ADAPTERS)
    adapter = desk.engines.adapter(one, UUID(made["model_id"]), "style", b"\0\0\0\0")
    body = {"deployment_id": made["id"], "adapter_id": str(adapter.id)}
    found = desk.do("PUT", "routes/style", body).json()
    assert (found["everyone"], found["tenant_ids"]) == (False, [str(one)])
    assert "another tenant" in refused(
        desk.do("PUT", "routes/other", {**body, "tenant_ids": [str(two)]}), 422, "route_refused"
    )
    assert "another version" in refused(
        desk.do("PUT", "routes/other", {**body, "deployment_id": plain["id"]}), 422, "route_refused"
    )
    assert "one tenant" in refused(
        desk.do("PUT", "routes/default/canary", {**body, "percent": 5}), 422, "route_refused"
    )
    refused(desk.do("PUT", "routes/other", {**body, "adapter_id": str(uuid7())}), 404, "adapter_not_found")
    refused(desk.do("PUT", "routes/other", {**body, "deployment_id": str(uuid7())}), 404, "deployment_not_found")
    refused(
        desk.do("PUT", "routes/other", {"deployment_id": made["id"], "tenant_ids": [str(uuid7())]}),
        404,
        "tenant_not_found",
    )
    third = desk.engines.version("tiny-third")
    told = desk.do("POST", f"deployments/{made['id']}/swap", {"model_id": str(third.id)})
    assert "style" in refused(told, 409, "adapters_of_another_base")
    desk.do("PATCH", f"deployments/{made['id']}", {"engine": {"adapter_rank": 1}})
    assert "rank" in refused(desk.do("PUT", "routes/again", body), 422, "route_refused")
    desk.do("PATCH", f"deployments/{made['id']}", {"engine": {"adapters": 0}})
    assert "adapters" in refused(desk.do("PUT", "routes/again", body), 422, "route_refused")


def test_a_canary_is_promoted_or_ended_and_a_route_rolled_back(desk: Desk) -> None:
    made = desk.create()
    refused(desk.do("POST", "routes/default/promote"), 422, "route_refused")
    refused(desk.do("POST", "routes/default/rollback"), 409, "nothing_former")
    refused(desk.do("PUT", "routes/none/canary", {"percent": 5}), 404, "route_not_found")
    body = {"deployment_id": made["id"], "percent": 20}
    tried = desk.do("PUT", "routes/default/canary", body).json()
    assert (tried["canary"]["deployment"], tried["canary_percent"]) == ("second", 20)
    promoted = desk.do("POST", "routes/default/promote").json()
    assert promoted["next"]["deployment"] == "second"
    ended = desk.do("PUT", "routes/default/canary", {"percent": 0}).json()
    assert (ended["canary"], ended["canary_percent"]) == (None, 0)
    assert desk.do("DELETE", "routes/default").status_code == 204
    refused(desk.do("GET", "routes/default"), 404, "route_not_found")


def test_pages_of_routes_and_logs_of_engines_that_never_were(desk: Desk) -> None:
    first = desk.do("GET", "routes?limit=1").json()
    second = desk.do("GET", f"routes?limit=1&cursor={first['next_cursor']}").json()
    assert {first["items"][0]["name"], second["items"][0]["name"]} == {DEFAULT, models.LANGUAGE}
    with desk.engines.databases.system.session() as session:
        pretend(session)
    (item,) = desk.do("GET", f"deployments/{desk.engines.row().id}/logs").json()["items"]
    assert item["lines"] == []


def test_an_engine_that_nobody_wants_to_run_is_off_and_not_down(desk: Desk) -> None:
    def state(client: httpx.Client) -> str:
        parts = client.get("/api/v1/status").json()["parts"]
        return next(str(part["state"]) for part in parts if part["name"] == f"engine {LANGUAGE}")

    assert state(desk.client) == "down"  # wanted, and no host runs it
    desk.do("POST", f"deployments/{desk.engines.row().id}/stop")
    assert state(desk.client) == "off"
    desk.do("POST", f"deployments/{desk.engines.row().id}/start")
    off = desk.engines.settings.engine.model_copy(update={"enabled": False})
    with serving(desk.engines.settings.model_copy(update={"engine": off})) as url:
        bearer = {"authorization": f"Bearer {desk.gateway.operator}"}
        with httpx.Client(base_url=url, headers=bearer, timeout=30) as client:
            assert state(client) == "off"
