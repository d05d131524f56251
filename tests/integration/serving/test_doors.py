"""What engines can do beyond what the gateway lists is out of reach, whatever the address, the header or the member.

vLLM's own routes are read from its installed sources: a new version brings new ones, and they are tried as well. Routes
are decorators, calls of ``add_api_route`` and mounts; FastAPI's own pages are an engine's too.
"""

import ast
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

VERBS = ("get", "post", "put", "delete", "patch", "head")
CALLS = {
    **{verb: (verb,) for verb in VERBS},
    **dict.fromkeys(("api_route", "add_api_route", "websocket", "mount"), VERBS),
}
"""What declares a route, and the verbs with which it is tried."""
PAGES = ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect")
OURS = {
    (method.lower(), getattr(route, "path", ""))
    for route in web.describe().routes
    for method in getattr(route, "methods", None) or ()
}
"""What has the same name here: the gateway's addresses, and /metrics and /readyz, which are our own."""


def declared(source: str) -> Iterator[tuple[str, str]]:
    """Every verb and path that a module declares."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS:
            first = next(iter(node.args), next((each.value for each in node.keywords if each.arg == "path"), None))
            if isinstance(first, ast.Constant) and str(first.value).startswith("/"):
                yield from ((verb, str(first.value)) for verb in CALLS[node.func.attr])


def vllm_routes() -> Iterator[tuple[str, str]]:
    """Every route that an engine may have."""
    found = importlib.util.find_spec("vllm")
    assert found is not None
    assert found.submodule_search_locations is not None
    for file in (Path(found.submodule_search_locations[0]) / "entrypoints").rglob("*.py"):
        yield from declared(file.read_text(encoding="utf-8"))
    yield from (("get", path) for path in PAGES)


ROUTES = sorted(set(vllm_routes()))


def test_however_a_route_is_declared_it_is_found() -> None:
    source = """
@router.post(
    "/a",
)
def a(): ...
@app.websocket("/b")
def b(): ...
router.add_api_route("/c", c, methods=["POST"])
app.mount(path="/d", app=x)
settings.get("/e")
settings.get("f")
"""
    assert {path for _, path in declared(source)} == {"/a", "/b", "/c", "/d", "/e"}
    assert ("delete", "/c") in set(declared(source))


def test_the_routes_were_found() -> None:
    paths = {path for _, path in ROUTES}
    assert paths >= {"/v1/chat/completions", "/v1/load_lora_adapter", "/tokenize", "/health", "/invocations"}
    assert paths >= {"/v1/realtime", "/abort_requests", "/static", "/score"}
    assert len(paths) > 20


def test_a_route_of_an_engine_is_not_there_unless_listed(engines: Engines, gateway: Gateway) -> None:
    named = {path for _, path in OURS}  # with another verb, or a slash too many, they are told so
    with gateway.client() as client:
        for verb, path in ROUTES:
            if (verb, path) in OURS:
                continue
            plain = re.sub(r"\{[^}]*\}", "x", path)
            for spelled in (plain, f"{plain}/", f"/v1/..{plain}", f"/{plain}", plain.replace("/", "/%2e/", 1)):
                # whole, as httpx takes what begins with two slashes for a host and asks it for "/"
                answer = client.request(verb, f"{gateway.url}{spelled}", json={} if verb != "get" else None)
                assert answer.status_code in ({404, 405, 307} if plain in named else {404}), (
                    verb,
                    spelled,
                    answer.text,
                )


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
