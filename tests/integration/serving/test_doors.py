"""What engines can do beyond what the gateway lists is out of reach, whatever the address, the header or the member.

vLLM's own routes are read from its installed sources: a new version brings new ones, and they are tried as well.
"""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.entry import web
from appliance.serving.deployments import Deployment
from appliance.serving.routes import DEFAULT
from tests.integration.serving.conftest import Engines, Gateway
from tests.integration.serving.test_gateway import PATH, asked, seen

_ROUTE = re.compile(r"@\w+\.(get|post|put|delete|patch|head)\(\s*\"(/[^\"]*)\"")
OURS = {
    (method.lower(), getattr(route, "path", ""))
    for route in web.describe().routes
    for method in getattr(route, "methods", None) or ()
}
"""What has the same name here: the gateway's addresses, and /metrics and /readyz, which are our own."""


def vllm_routes() -> Iterator[tuple[str, str]]:
    """Every route that vLLM's sources declare."""
    found = importlib.util.find_spec("vllm")
    assert found is not None
    assert found.submodule_search_locations is not None
    for file in (Path(found.submodule_search_locations[0]) / "entrypoints").rglob("*.py"):
        yield from ((verb, path) for verb, path in _ROUTE.findall(file.read_text(encoding="utf-8")))


ROUTES = sorted(set(vllm_routes()))


def test_the_routes_were_found() -> None:
    paths = {path for _, path in ROUTES}
    assert paths >= {"/v1/chat/completions", "/v1/load_lora_adapter", "/tokenize", "/health"}
    assert len(ROUTES) > 20


def test_a_route_of_an_engine_is_not_there_unless_listed(engines: Engines, gateway: Gateway) -> None:
    with gateway.client() as client:
        for verb, path in ROUTES:
            if (verb, path) in OURS:
                continue
            plain = re.sub(r"\{[^}]*\}", "x", path)
            for spelled in (plain, f"{plain}/", f"/v1/..{plain}", f"/{plain}", plain.replace("/", "/%2e/", 1)):
                answer = client.request(verb, spelled, json={} if verb != "get" else None)
                assert answer.status_code in (404, 405, 307), (verb, spelled, answer.text)


@pytest.mark.parametrize(
    "token",
    [
        "' or '1'='1",
        "sk-x'; drop table api_keys; --",
        'sk-x" union select * from users',
        "sk-x\\",
        "sk-x%00",
        "sk-" + "x" * 5000,
        "ses-' or true --",
    ],
)
def test_a_key_that_is_sql_is_no_key(gateway: Gateway, token: str) -> None:
    with gateway.client() as client:
        for headers in ({"authorization": f"Bearer {token}"}, {"authorization": token}, {"authorization": "Bearer"}):
            for verb, path in (("post", PATH), ("get", "/v1/models"), ("post", "/v1/embeddings")):
                answer = client.request(verb, path, json=asked("hi"), headers=headers)
                assert answer.status_code == 401, answer.text


@pytest.mark.parametrize("member", ["api_base", "base_url", "host", "api_key", "extra_headers", "custom_llm_provider"])
def test_nothing_in_a_request_chooses_the_upstream(
    engines: Engines, engine: Deployment, gateway: Gateway, member: str
) -> None:
    with gateway.client() as client:
        answer = client.post(PATH, json=asked("say: a", **{member: "http://127.0.0.1:1"}))
        assert (answer.status_code, answer.json()["code"]) == (400, "field_refused")
        headers = {"host": "127.0.0.1:1", "x-forwarded-host": "evil", "x-litellm-api-base": "http://127.0.0.1:1"}
        moved = client.post(f"{PATH}?{member}=http://127.0.0.1:1", json=asked("say: a"), headers=headers)
    assert moved.status_code == 200
    assert len(seen(engines, engine)["requests"]) == 1


def test_metrics_are_for_this_machine_or_for_the_key(engines: Engines, engine: Deployment, gateway: Gateway) -> None:
    key = engines.settings.layout.secret("metrics-key")
    with gateway.client() as client:
        assert client.post(PATH, json=asked("say: a b")).status_code == 200
        text = client.get("/metrics").text
        assert 'appliance_gateway_tokens_total{kind="completion",model="tiny-instruct"} 2.0' in text
        assert 'vllm:num_requests_running{engine="' in text
        assert "lora" not in text
        for secret in (str(gateway.principal.tenant), DEFAULT, gateway.one):
            assert f'"{secret}"' not in text
        passed_on = {"x-forwarded-for": "10.0.0.7"}
        assert client.get("/metrics", headers={**passed_on, "authorization": ""}).status_code == 401
        assert client.get("/metrics", headers=passed_on).status_code == 401, "a caller's key is not the one of metrics"
        bearer = {"authorization": f"Bearer {key.read_text().strip()}"}
        assert client.get("/metrics", headers={**passed_on, **bearer}).status_code == 200
