"""The verbs as the reference tells them."""

from appliance.entry.cli import reference

VERBS = (
    "audit list",
    "audit verify",
    "audit export",
    "audit head",
    "up",
    "status",
    "stop",
    "logs",
    "login",
    "sign-in reset",
    "ingest",
    "ask",
    "search",
    "collections list",
    "collections create",
    "collections delete",
    "collections export",
    "collections import",
    "documents list",
    "documents show",
    "documents delete",
    "documents retry",
    "models list",
    "models pull",
    "models verify",
    *("models " + verb for verb in ["import", "show", "activate", "pack", "fit"]),
    *(
        "deployments " + verb
        for verb in ["list", "show", "create", "update", "start", "stop", "swap", "rollback", "logs"]
    ),
    "deployments delete",
    *("routes " + verb for verb in ["list", "show", "set", "canary", "promote", "rollback", "delete"]),
    *("quotas " + verb for verb in ["list", "show", "set", "delete"]),
    *("usage " + verb for verb in ["show", "records", "account", "cost", "export"]),
    *("directory " + verb for verb in ["scim", "set", "show", "test", "remove"]),
    "jobs list",
    "jobs show",
    "jobs watch",
    "jobs cancel",
    "doctor",
    *("licence " + verb for verb in ["show", "install", "accept-clock", "inspect", "issue"]),
    *("tenants " + verb for verb in ["list", "show", "create", "change", "suspend", "resume"]),
    *("tenants " + verb for verb in ["export", "delete", "deletion", "certificate", "verify-certificate"]),
    *(
        "deployments " + verb
        for verb in ["create", "show", "update", "swap", "rollback", "start", "stop", "logs", "delete"]
    ),
    *("routes " + verb for verb in ["list", "show", "set", "canary", "promote", "rollback", "delete"]),
    *("quotas " + verb for verb in ["list", "show", "set", "delete"]),
    *("usage " + verb for verb in ["show", "records", "export", "account", "cost"]),
    *("directory " + verb for verb in ["scim", "set", "show", "test", "remove"]),
    *("users " + verb for verb in ["list", "show", "create", "change", "password", "suspend", "resume"]),
    *("groups " + verb for verb in ["list", "show", "create", "rename", "delete", "add", "remove"]),
    *("adapters " + verb for verb in ["import", "list", "show", "verify", "delete"]),
    *("models entries " + verb for verb in ["list", "show"]),
    *("keys " + verb for verb in ["list", "show", "create", "rotate", "revoke"]),
)


def test_every_verb_is_told_and_every_verb_speaks_json() -> None:
    sections = dict(part.split("\n", 1) for part in reference.text().split("\n## appliance ")[1:])
    assert set(sections) >= set(VERBS)  # what scripts outside rely on; others may come
    assert [verb for verb, told in sections.items() if "`--json`" not in told] == []


def test_every_option_is_explained() -> None:
    assert [line for line in reference.text().splitlines() if line.startswith("| `") and line.endswith("|  |")] == []
