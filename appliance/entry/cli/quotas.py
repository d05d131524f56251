"""``appliance quotas``: how much a tenant, a user or a key may use."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json
from appliance.entry.cli.tenants import Of, change, listed, one, shown, within
from appliance.kit.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from appliance.entry.cli.client import Api

app = typer.Typer(help="Quotas of a tenant, its users and its keys.", no_args_is_help=True)
MEASURES = (
    "requests_per_minute",
    "tokens_per_minute",
    "tokens_per_day",
    "tokens_per_month",
    "concurrent_requests",
    "documents",
    "bytes",
    "training_seconds_per_month",
)
FIELDS = ("kind", "subject_id", *MEASURES, "created_at", "id")
User = Annotated[str | None, typer.Option("--user", help="The user's login or id.")]
Key = Annotated[str | None, typer.Option("--key", help="The key's id.")]
Settings = Annotated[
    list[str],
    typer.Argument(metavar="MEASURE=AMOUNT…", help=f"'none' takes a limit away. Measures: {', '.join(MEASURES)}."),
]
COLUMNS: list[output.Column] = [
    ("of", lambda item: item["kind"]),
    ("subject", lambda item: item["subject_id"]),
    ("limits", lambda item: {name: item[name] for name in MEASURES if item[name] is not None}),
    ("id", lambda item: item["id"]),
]
STANDING: list[output.Column] = [
    ("measure", lambda item: item["measure"]),
    ("limit", lambda item: item["limit"]),
    ("used", lambda item: item["used"]),
    ("resets", lambda item: output.moment(item["resets_at"])),
]


class NotALimit(BadRequest):
    """It does not say which limit, or how much."""

    code = "not_a_limit"
    advice = "Write it as tokens_per_day=200000, or tokens_per_day=none."


@app.command("list")
def list_quotas(tenant: Of = None, as_json: Json = False) -> None:
    """List the quotas of a tenant."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        items = api.all(f"{within(api, tenant)}/quotas")
    listed(items, COLUMNS, "There is no quota: nothing is limited.", as_json=as_json)


@app.command("show")
def show(user: User = None, key: Key = None, tenant: Of = None, as_json: Json = False) -> None:
    """Show a quota and how much of it is used: the tenant's own, or a user's or key's."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        at = within(api, tenant)
        item = api.get(f"{at}/quotas/{_quota(api, at, _subject(api, at, user, key)[1])['id']}")
    if as_json:
        output.document(item)
    else:
        output.fields(item, FIELDS)
        output.table(STANDING, item["standing"], "It limits nothing.")


@app.command("set")
def set_limits(limits: Settings, user: User = None, key: Key = None, tenant: Of = None, as_json: Json = False) -> None:
    """Set limits of a tenant, a user or a key; those that are not named stay."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    amounts = dict(_amount(limit) for limit in limits)
    with connect() as api:
        at = within(api, tenant)
        kind, subject = _subject(api, at, user, key)
        found = api.all(f"{at}/quotas", subject_id=subject)
        if found:
            item = change(api, f"{at}/quotas/{found[0]['id']}", found[0], amounts)
        else:
            named = {} if kind == "tenant" else {"subject_id": subject}
            item = api.post(f"{at}/quotas", {"kind": kind, **named, **amounts})
    shown(item, FIELDS, as_json=as_json)


@app.command("delete")
def delete(user: User = None, key: Key = None, tenant: Of = None, as_json: Json = False) -> None:
    """Take a quota away: what it limited is not limited by it any more."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        at = within(api, tenant)
        item = _quota(api, at, _subject(api, at, user, key)[1])
        api.send("DELETE", f"{at}/quotas/{item['id']}", headers={"if-match": f'"{item["version"]}"'})
    shown({"deleted": item["id"]}, ("deleted",), as_json=as_json)


def _subject(api: "Api", at: str, user: str | None, key: str | None) -> tuple[str, str]:
    if user is not None and key is not None:
        raise NotALimit("Name a user or a key, not both.")
    if user is not None:
        return "user", one(api, f"{at}/users", "user", user, "login")["id"]
    return ("key", key) if key is not None else ("tenant", at.rpartition("/")[2])


def _quota(api: "Api", at: str, subject: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = api.all(f"{at}/quotas", subject_id=subject)
    if not found:
        raise NotFound("It has no quota: nothing of it is limited.")
    return found[0]


def _amount(limit: str) -> tuple[str, int | None]:
    name, _, amount = limit.partition("=")
    if name not in MEASURES or not (amount.isdecimal() or amount == "none"):
        raise NotALimit(f"'{limit}' is no limit.")
    return name, None if amount == "none" else int(amount)
