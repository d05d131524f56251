"""What the verbs of deployments and routes share: naming things, engine settings, waiting until it is so."""

import json
import time
from typing import TYPE_CHECKING, Any

from appliance.entry.cli import output
from appliance.entry.cli.tenants import one, within
from appliance.kit.errors import BadRequest, Conflict, NotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.entry.cli.client import Api

PATH = "/api/v1/deployments"
ROUTES = "/api/v1/routes"
PATIENCE = 1200.0
"""Seconds: an engine that compiles for the first time takes minutes."""
_PAUSE = 0.5


def deployment(api: "Api", name: str) -> dict[str, Any]:
    """The deployment of this name or id, as a whole."""
    found = one(api, PATH, "deployment", name)
    whole: dict[str, Any] = api.get(f"{PATH}/{found['id']}")
    return whole


def adapter(api: "Api", name: str) -> str:
    """The id of an adapter: TENANT/NAME for its newest version, TENANT/NAME:VERSION for an older one, or an id."""
    tenant, slash, rest = name.partition("/")
    if not slash:
        return name
    called, colon, version = rest.partition(":")
    items = [item for item in api.all(f"{within(api, tenant)}/adapters") if item["name"] == called]
    items = [item for item in items if not colon or str(item["version"]) == version]
    if not items:
        raise NotFound(f"There is no adapter '{name}'.")
    return str(max(items, key=lambda item: item["version"])["id"])


def settings(told: "Sequence[str] | None") -> dict[str, Any] | None:
    """Engine settings from ``NAME=VALUE``; a value is JSON where it can be, else text."""
    if told is None:
        return None
    found: dict[str, Any] = {}
    for one_setting in told:
        name, sign, value = one_setting.partition("=")
        if not sign:
            raise BadRequest(f"'{one_setting}' is not NAME=VALUE.")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def settled(api: "Api", item: dict[str, Any], *, wait: bool) -> dict[str, Any]:
    """The deployment once it is as it shall be. Raises :class:`Conflict` when it says that it cannot be.

    What had failed before it was asked for this is no answer: that is tried again.
    """
    deadline, before = time.monotonic() + PATIENCE, _failures(item)
    with output.console(stderr=True).status(f"Waiting for {item['name']} …"):
        while wait and not _as_wanted(item):
            failed = [reason for which, reason in _failures(item).items() if which not in before]
            if failed:
                raise Conflict(f"{item['name']}: {failed[0]}")
            if time.monotonic() > deadline:
                raise Unavailable(f"{item['name']} is {item['actual']} for too long: {item['reason'] or ''}")
            time.sleep(_PAUSE)
            item = api.get(f"{PATH}/{item['id']}")
    return item


def flipped(api: "Api", item: dict[str, Any], *, wait: bool) -> dict[str, Any]:
    """The route once it leads where it shall, and an engine there can answer."""
    deadline = time.monotonic() + PATIENCE
    with output.console(stderr=True).status(f"Waiting for {item['name']} …"):
        while wait and (item["next"] is not None or item["waits_for"]):
            if time.monotonic() > deadline:
                raise Unavailable(f"{item['name']} waits for too long: {item['waits_for'] or ''}")
            time.sleep(_PAUSE)
            item = api.get(f"{ROUTES}/{item['name']}")
    return item


def _failures(item: dict[str, Any]) -> dict[tuple[str, str], str]:
    """The reasons of the replicas that failed, by their id and since when."""
    failed = (one for one in item["replicas"] if one["actual"] == "failed")
    return {(one["id"], one["actual_since"]): one["reason"] for one in failed}


def _as_wanted(item: dict[str, Any]) -> bool:
    serving = [one for one in item["replicas"] if one["in_service"]]
    if item["desired"] == "stopped":
        return bool(item["actual"] == "stopped")
    all_there = len(serving) == item["wanted_replicas"] == len(item["replicas"])
    return all_there and bool(item["serving_digest"] == item["digest"])
