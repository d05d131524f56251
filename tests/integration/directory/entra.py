"""A SCIM client as the directories are: plain JSON over HTTP."""

from typing import Any

import httpx2
from starlette.testclient import TestClient

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SOON = 2.0
"""Seconds in which a change must hold: what was remembered of a key is older than that no more."""


class Scim:
    """Requests with one token."""

    def __init__(self, client: TestClient, key: str) -> None:
        self.client = client
        self.key = key

    def __call__(self, verb: str, path: str, body: object = None, **headers: str) -> httpx2.Response:
        told = {"authorization": f"Bearer {self.key}", "content-type": "application/scim+json"}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request(verb, f"/scim/v2{path}", json=body, headers=told)

    def user(self, login: str, **more: object) -> dict[str, Any]:
        answer = self("POST", "/Users", {"schemas": [USER], "userName": login, **more})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def group(self, name: str, *members: str) -> dict[str, Any]:
        body = {"schemas": [GROUP], "displayName": name, "members": [{"value": member} for member in members]}
        answer = self("POST", "/Groups", body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def patch(self, path: str, *operations: dict[str, Any], **headers: str) -> httpx2.Response:
        return self("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, **headers)

    def found(self, kind: str, wanted: str) -> list[dict[str, Any]]:
        answer = self.client.get(
            f"/scim/v2/{kind}", params={"filter": wanted}, headers={"authorization": f"Bearer {self.key}"}
        )
        assert answer.status_code == 200, answer.text
        return list(answer.json().get("Resources", []))
