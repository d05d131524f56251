"""Nothing answers without a key but what this list names. Whoever adds to it says why in the change."""

from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from appliance.access.principal import Principal
from appliance.entry import bodies, web
from appliance.kit.errors import Unauthenticated
from tests.rules.modules import import_all

OPEN = {
    "GET /",  # where the first start sends people: the same page for all
    "GET /healthz",  # a load balancer asks
    "GET /readyz",  # the same
    "POST /api/v1/invitations/accept",  # an invitation's secret is the credential
    "GET /invitation",  # where its link leads: the same page for all, with what it needs
    "GET /invitation/page.js",
    "GET /invitation/page.css",
    "POST /api/v1/login",  # this is where keys come from
    "GET /api/v1/oidc/{of_tenant}/start",  # this is where people go to sign in at their company
    "GET /api/v1/oidc/callback",  # and where they come back to, with what only their browser was given
    "GET /api/v1/openapi.json",  # the description, the same for all
}
NOBODY = "00000000-0000-7000-8000-000000000000"


def _routes() -> Iterator[tuple[str, str]]:
    for route in web.describe().routes:
        methods: set[str] = getattr(route, "methods", None) or set()
        for method in sorted(methods - {"HEAD", "OPTIONS"}):
            yield method, getattr(route, "path", "")


def _know_nobody(key: str) -> Principal:
    raise Unauthenticated(key)


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = web.describe()
    app.state.authenticate = _know_nobody
    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(("method", "path"), sorted(r for r in _routes() if " ".join(r) not in OPEN))
def test_a_route_outside_of_the_list_refuses_who_has_no_key(client: TestClient, method: str, path: str) -> None:
    names = {part[1:-1].split(":")[0] for part in path.split("/") if part.startswith("{")}
    answer = client.request(method, path.format_map(dict.fromkeys(names, NOBODY)))
    assert answer.status_code == 401, answer.text
    if not path.startswith("/scim/"):  # whose errors have RFC 7644's form, which knows no code
        assert answer.json()["code"] == "unauthenticated"


def test_the_list_names_only_routes_that_there_are() -> None:
    assert {" ".join(route) for route in _routes()} >= OPEN


def test_every_router_is_served() -> None:
    served = {route.endpoint for route in web.describe().routes if isinstance(route, APIRoute)}
    routers = [module.router for module in import_all("api") if hasattr(module, "router")]
    assert {route.endpoint for router in routers for route in router.routes} <= served


def test_every_operation_that_takes_a_file_may_be_sent_one_that_is_large() -> None:
    app = web.describe()
    described = {
        (method.upper(), path)
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
        if "multipart/form-data" in operation.get("requestBody", {}).get("content", {})
    }
    known = {(method, route.path) for route in bodies.uploads(app.routes) for method in route.methods}
    assert known == described
    assert len(known) >= 2
