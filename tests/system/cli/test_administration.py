"""Tenants, people, keys, quotas, usage, the licence and the audit record of a running appliance, as JSON."""

from typing import Any

from appliance.kit.ids import uuid7
from tests.factories.appliance import wait
from tests.factories.cli import Run, document


def test_every_verb_of_administration_tells_one_json_document(cli: Run) -> None:
    def told(*arguments: object) -> Any:  # noqa: ANN401 - JSON of many shapes
        code, printed = cli(*arguments, "--json")
        assert code == 0, printed
        return document(printed)

    assert told("licence", "show")["state"] == "valid"
    name = f"t-{uuid7().hex}"
    tenant = told("tenants", "create", name)
    here = ("--tenant", name)
    assert told("tenants", "show", name)["id"] == tenant["id"]
    assert tenant["id"] in {one["id"] for one in told("tenants", "list")["items"]}

    login = f"ada-{uuid7().hex}"
    user = told("users", "create", login, "--role", "editor", *here)
    assert [one["login"] for one in told("users", "list", *here)["items"]] == [login]
    assert told("users", "show", login, *here)["role"] == "editor"

    group = told("groups", "create", "engineering", *here)
    told("groups", "add", "engineering", login, *here)
    assert [one["id"] for one in told("groups", "show", "engineering", *here)["users"]] == [user["id"]]
    assert [one["id"] for one in told("groups", "list", *here)["items"]] == [group["id"]]

    key = told("keys", "create", login, "--name", "laptop", *here)
    assert [one["id"] for one in told("keys", "list", *here)["items"]] == [key["id"]]
    assert "secret" not in told("keys", "show", key["id"], *here)
    told("keys", "revoke", key["id"], *here)
    assert told("keys", "show", key["id"], *here)["revoked_at"]

    told("quotas", "set", "tokens_per_day=1000", "--user", login, *here)
    (standing,) = told("quotas", "show", "--user", login, *here)["standing"]
    assert (standing["measure"], standing["limit"]) == ("tokens_per_day", 1000)
    assert len(told("quotas", "list", *here)["items"]) == 1

    assert told("usage", "show", *here)["items"] == []
    assert told("usage", "records", *here)["items"] == []
    assert told("usage", "account", *here)["tenant_id"] == tenant["id"]
    assert told("usage", "cost")

    def acts() -> list[str]:
        return [one["action"] for one in told("audit", "list", "--tenant", tenant["id"])["items"]]

    wait(
        lambda: {"tenant.create", "user.create", "key.create", "key.revoke"} <= set(acts()),
        10,
        "the acts in the record",
    )
    assert told("audit", "head")["signature"]
    assert told("audit", "verify")["holds"]
