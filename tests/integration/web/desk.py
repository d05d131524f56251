"""One caller's requests under ``/api/v1/tenants``, for the tests of people and keys."""

from typing import Any
from uuid import UUID

from starlette.testclient import TestClient

from tests.integration.web.conftest import House

PASSWORD = "correct horse battery"


class Desk:
    """One caller's requests under ``/api/v1/tenants``."""

    def __init__(self, client: TestClient, key: str) -> None:
        self._client = client
        self._headers = House.bearer(key)

    def __call__(self, verb: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        """Status and document of a request; ``if_match`` and ``idempotency_key`` become headers."""
        told = self._headers | {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self._client.request(verb, f"/api/v1/tenants{path}", json=body, headers=told)
        return answer.status_code, answer.json() if answer.content else None


def add(desk: Desk, tenant: UUID, login: str, **more: object) -> dict[str, Any]:
    status, made = desk("POST", f"/{tenant}/users", {"login": login, "name": login, **more})
    assert status == 201, made
    return dict(made)


def key_for(desk: Desk, user: dict[str, Any], **limits: object) -> dict[str, Any]:
    status, made = desk("POST", f"/{user['tenant_id']}/users/{user['id']}/keys", {"name": "k", **limits})
    assert status == 201, made
    return dict(made)


def status_of(client: TestClient, key: str, path: str = "/api/v1/me") -> int:
    return client.get(path, headers=House.bearer(key)).status_code
