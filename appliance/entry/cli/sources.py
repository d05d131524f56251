"""``appliance sources``: folders, buckets, sites and mailboxes that fill a collection by themselves."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json
from appliance.entry.cli.sharing import Everyone, Groups, Nobody, Users, readers_of
from appliance.kit.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from appliance.entry.cli.client import Api

app = typer.Typer(help="Where documents come from by themselves.", no_args_is_help=True)
PATH = "/api/v1/sources"
Named = Annotated[str, typer.Argument(metavar="SOURCE", help="Its name or id.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="NAME=VALUE", help="A setting; JSON, or text as it is; may be repeated."),
]
Every = Annotated[int | None, typer.Option("--every", help="Minutes from one sync to the next; 0: only when asked.")]
Secret = Annotated[bool, typer.Option("--secret-stdin", help="Read the password or secret key from standard input.")]
FIELDS = (
    "id", "name", "collection_id", "state", "settings", "has_secret", "readers", "every_minutes", "due_at", "synced_at",
    "reason", "reason_code", "found", "job", "act", "document_id", "removed",
)  # fmt: skip
COLUMNS: list[output.Column] = [
    ("name", lambda item: item["name"]),
    ("kind", lambda item: item["settings"]["kind"]),
    ("state", lambda item: item["state"]),
    ("every", lambda item: item["every_minutes"] and f"{item['every_minutes']} min"),
    ("synced", lambda item: output.moment(item["synced_at"])),
    ("id", lambda item: item["id"]),
    ("reason", lambda item: item["reason"]),
]
LOG: list[output.Column] = [
    ("at", lambda item: output.moment(item["at"])),
    ("what", lambda item: item["act"]),
    ("name", lambda item: item["name"] or "(forgotten)"),
    ("why", lambda item: item["reason"]),
]
COUNTED = ("taken", "updated", "unchanged", "shared", "skipped", "waiting", "failed", "deleted", "held")


class BadSetting(BadRequest):
    """A setting is written NAME=VALUE."""

    code = "bad_setting"
    advice = "Say for example --set path=/srv/share --set 'exclude=[\"*.bak\"]'."


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What it is called here.")],
    kind: Annotated[str, typer.Argument(help="folder, s3, web, webdav, imap or push.")],
    collection: Annotated[str, typer.Option("--collection", "-c", help="What it fills; created when there is none.")],
    *,
    settings: Sets = None,
    every: Every = None,
    secret: Secret = False,
    group: Groups = None,
    user: Users = None,
    everyone: Everyone = False,
    nobody: Nobody = False,
    as_json: Json = False,
) -> None:
    """Add a source. Its documents have the collection's access list unless one is given here."""
    from appliance.entry.cli.client import connect
    from appliance.entry.cli.collections import ensure

    output.wants_json(as_json)
    body: dict[str, Any] = {"name": name, "settings": {**_set(settings), "kind": kind}, "every_minutes": every or None}
    with connect() as api:
        if group or user or everyone or nobody:
            body["readers"] = readers_of(api, group, user, everyone=everyone, nobody=nobody)
        body |= {"secret": _typed() if secret else None, "collection_id": ensure(api, collection)["id"]}
        _shown(api.post(PATH, body), as_json=as_json)


@app.command("list")
def list_sources(as_json: Json = False) -> None:
    """List the sources, with why the last sync of one failed."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        items = api.all(PATH)
    if as_json:
        output.document({"items": items})
    else:
        output.table(COLUMNS, items, "There is no source yet. 'appliance sources add' makes one.")


@app.command("show")
def show(source: Named, as_json: Json = False) -> None:
    """Show a source, never its secret."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        _shown(one(api, source), as_json=as_json)


@app.command("change")
def change(
    source: Named,
    *,
    settings: Sets = None,
    name: Annotated[str | None, typer.Option(help="Call it so from now on.")] = None,
    every: Every = None,
    pause: Annotated[bool | None, typer.Option("--pause/--resume", help="Sync no more, or again.")] = None,
    secret: Secret = False,
    group: Groups = None,
    user: Users = None,
    everyone: Everyone = False,
    nobody: Nobody = False,
    inherit: Annotated[bool, typer.Option("--inherit", help="Its documents have the collection's list again.")] = False,
    as_json: Json = False,
) -> None:
    """Change what is named here; the rest stays. What is left out from now on goes with the next sync."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        now = one(api, source)
        readers = None if inherit else now["readers"]
        if group or user or everyone or nobody:
            readers = readers_of(api, group, user, everyone=everyone, nobody=nobody)
        body = {
            "name": name or now["name"],
            "settings": {**now["settings"], **_set(settings)},
            "secret": _typed() if secret else None,
            "readers": readers,
            "every_minutes": now["every_minutes"] if every is None else every or None,
            "paused": now["state"] == "paused" if pause is None else pause,
        }
        headers = {"if-match": f'"{now["version"]}"'}
        _shown(api.send("PUT", f"{PATH}/{now['id']}", json=body, headers=headers), as_json=as_json)


@app.command("remove")
def remove(
    source: Named,
    keep: Annotated[bool, typer.Option("--keep-documents", help="Keep what came from it.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Remove a source and forget the documents that came from it; what a legal hold keeps stays."""
    from appliance.entry.cli.client import connect
    from appliance.entry.cli.jobs import ended

    output.wants_json(as_json)
    with connect() as api:
        found = one(api, source)
        if not (yes or keep):
            typer.confirm(f"Forget '{found['name']}' and all that came from it?", abort=True, err=True)
        asked = api.send("DELETE", f"{PATH}/{found['id']}", params={"keep_documents": keep})
        job = ended(api, asked["job"])
    _shown({"removed": found["name"], "job": job["id"]}, as_json=as_json)


@app.command("test")
def check(source: Named, as_json: Json = False) -> None:
    """Reach a source with its credentials, and change nothing."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        _shown(api.post(f"{PATH}/{one(api, source)['id']}/test", patient=True), as_json=as_json)


@app.command("sync")
def sync(
    source: Named,
    dry: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be taken, skipped and deleted.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it has ended.")] = True,
    as_json: Json = False,
) -> None:
    """Take what is new or changed, and forget what is gone; documents are read afterwards."""
    from appliance.entry.cli.client import connect
    from appliance.entry.cli.jobs import ended

    output.wants_json(as_json)
    with connect() as api:
        path = f"{PATH}/{one(api, source)['id']}"
        asked = api.post(f"{path}/{'dry-run' if dry else 'sync'}")
        job = ended(api, asked["job"]) if wait else {"id": asked["job"], "result": {}}
        lines = api.all(f"{path}/log", job=job["id"]) if dry and wait else []
    counts = {name: job["result"][name] for name in COUNTED if job["result"].get(name)}
    if as_json:
        output.document({"job": job["id"], "dry": dry, "counts": counts, "items": lines})
        return
    if dry and wait:
        output.table(LOG[1:], lines, "Nothing would change.")
    output.say(f"{source}: {output.cell(counts) or ('nothing is there' if wait else 'asked for')}.")


@app.command("log")
def read_log(
    source: Named,
    act: Annotated[str | None, typer.Option(help="Only what was 'taken', 'skipped', 'failed', 'deleted' …")] = None,
    job: Annotated[str | None, typer.Option(help="Only of this run.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=200, help="So many, newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """Show what was taken, skipped and deleted, and why."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        found = api.get(f"{PATH}/{one(api, source)['id']}/log", act=act, job=job, limit=limit)
    if as_json:
        output.document(found)
    else:
        output.table(LOG, found["items"], "Nothing has become of anything yet.")


def one(api: "Api", source: str) -> dict[str, Any]:
    """The source of this name or id. Raises :class:`NotFound` with the names that there are."""
    items = api.all(PATH)
    for item in items:
        if source in (item["name"], item["id"]):
            found: dict[str, Any] = item
            return found
    names = ", ".join(f"'{item['name']}'" for item in items[:10]) or "none yet"
    raise NotFound(f"There is no source '{source}'; there is: {names}.")


def _set(pairs: list[str] | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in pairs or ():
        name, is_one, value = pair.partition("=")
        if not is_one or not name:
            raise BadSetting(f"'{pair}' is none")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _typed() -> str:
    return sys.stdin.readline().rstrip("\n")


def _shown(item: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.document(item)
        return
    times = {name: output.moment(item.get(name)) for name in ("due_at", "synced_at")}
    output.fields({**item, **times}, FIELDS)
