"""What the API's description says of SCIM: the protocol's library reads the bodies, FastAPI knows nothing of them."""

from collections.abc import Mapping
from typing import Any

from appliance.tenants.schemas import ID

MEDIA_TYPE = "application/scim+json"
Responses = dict[int | str, dict[str, Any]]
USER = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "userName": "ann@example.com",
    "externalId": "701984",
    "name": {"givenName": "Ann", "familyName": "Lee"},
    "active": True,
}
GROUP = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Board", "members": []}
PATCH = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "path": "active", "value": False}],
}
SEARCH = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
    "filter": 'userName eq "ann@example.com"',
    "startIndex": 1,
    "count": 10,
}


ANSWER = {
    **USER,
    "id": ID,
    "meta": {"resourceType": "User", "version": 'W/"5b9f…"', "location": f"/scim/v2/Users/{ID}"},
}
LIST = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
    "totalResults": 1,
    "startIndex": 1,
    "itemsPerPage": 1,
    "Resources": [ANSWER],
}
MEANING = {
    400: "The request is malformed",
    401: "No valid token came with the request",
    403: "The key is no SCIM token",
    404: "There is no such resource here",
    409: "The name is taken, or the last operator would go",
    412: "It was changed since the ETag of If-Match was read",
    413: "The body is too large",
    415: "The body is no JSON",
    422: "A parameter is malformed",
    429: "You are over your share",
    501: "This part of the protocol is not served",
    503: "We are full or something is down",
}


def _content(example: Mapping[str, Any]) -> dict[str, Any]:
    return {MEDIA_TYPE: {"schema": {"type": "object"}, "example": example}}


def error(status: int) -> dict[str, Any]:
    """A refusal as SCIM tells it (RFC 7644 §3.12)."""
    told = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": str(status),
        "detail": MEANING[status],
    }
    return {"description": MEANING[status], "content": _content(told)}


def gives(example: Mapping[str, Any], status: int = 200) -> Responses:
    """The description of an answer."""
    return {status: {"description": "As asked for", "content": _content(example)}}


def takes(example: Mapping[str, Any]) -> dict[str, Any]:
    """The description of a body that the protocol's library reads."""
    return {"requestBody": {"required": True, "content": _content(example)}}


PATCHED: Responses = {**gives(ANSWER), 204: {"description": "Changed; ask for attributes to get them back"}}
