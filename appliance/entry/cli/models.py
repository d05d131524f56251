"""``appliance models``: which weights are here."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.entry.cli import entries, fit, output
from appliance.entry.cli.output import Json
from appliance.kit.errors import NotFound

if TYPE_CHECKING:
    from appliance.entry.cli.client import Api

SHORTEST = 12
"""Digits of a digest that name a version."""

app = typer.Typer(help="Model versions: list, import, pull, verify, activate.", no_args_is_help=True)
app.add_typer(entries.app, name="entries")
app.command("fit")(fit.fit)

COLUMNS: list[output.Column] = [
    ("name", lambda item: item["name"]),
    ("kind", lambda item: item["kind"]),
    ("state", lambda item: item["state"]),
    ("active", lambda item: item.get("activated_at") is not None),
    ("signature", lambda item: item.get("signature")),
    ("size", lambda item: output.size(item.get("bytes"))),
    ("languages", lambda item: item.get("languages")),
    ("licence", lambda item: item.get("licence")),
    ("digest", lambda item: str(item.get("digest"))[:12]),
    ("reason", lambda item: item.get("reason")),
]


Named = Annotated[str, typer.Argument(metavar="MODEL", help="Its name (the newest version), id or digest.")]
FIELDS = (
    "name", "id", "kind", "state", "reason", "digest", "bytes", "languages", "licence", "entry", "source", "signature",
    "signed_by", "verified_at", "activated_at", "activated_by", "accepted", "doubts",
)  # fmt: skip


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """List the model versions of this appliance."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        items = api.all("/api/v1/models")
    if as_json:
        output.document({"items": items})
    else:
        output.table(COLUMNS, items, "There is no model yet. 'appliance models pull NAME' fetches one.")


@app.command("pull")
def pull(name: Annotated[str, typer.Argument(help="Its name in the catalogue.")], as_json: Json = False) -> None:
    """Fetch a model, check every byte, and register it. What is there already is only registered."""
    output.wants_json(as_json)
    _brought("pull", {"name": name}, f"Pulling {name} …", as_json=as_json)


@app.command("import")
def import_model(
    path: Annotated[str, typer.Argument(help="On the server: a directory, bundle, hub cache; or package:NAME.")],
    name: Annotated[str | None, typer.Option(help="What it is called; a bundle has its own name.")] = None,
    entry: Annotated[str | None, typer.Option(help="Its entry of the catalogue, unless of the same name.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="language, encoder or reranker; told by its entry or files when left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Import a model version: copied, checked, sealed and registered as a job. Then it must be activated."""
    from pathlib import Path

    output.wants_json(as_json)
    where = path if path.startswith("package:") else str(Path(path).absolute())
    told = {"path": where, "name": name, "entry": entry, "kind": kind}
    _brought("import", told, f"Importing {path} …", as_json=as_json)


@app.command("show")
def show(model: Named, as_json: Json = False) -> None:
    """Show a model version: signature, the terms of its weights' licence, what stands in its way, its files."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        found = api.get(f"/api/v1/models/{version(api, model)['id']}")
    if as_json:
        output.document(found)
        return
    output.fields(found, FIELDS)
    output.say("")
    entries.terms(found["terms"])
    output.say("")
    for path, digest in found["files"].items():
        output.say(f"{digest}  {path}")


@app.command("activate")
def activate(
    model: Named,
    accept_licence: Annotated[bool, typer.Option("--accept-licence", help="Accept it in your name.")] = False,
    override: Annotated[
        str | None, typer.Option(help="Why, in spite of terms that are unknown or forbid it; it is audited.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Accept the weights' licence, so that engines may load the version."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        found = version(api, model)
        told = {"accept_licence": accept_licence, "override": override}
        item = api.post(f"/api/v1/models/{found['id']}/activate", told)
    if as_json:
        output.document(item)
    else:
        output.fields(item, FIELDS)


@app.command("pack")
def pack(
    directory: Annotated[str, typer.Argument(help="Holds the model's files; on this machine.")],
    bundle: Annotated[str, typer.Argument(help="The bundle (.tar) to be written.")],
    name: Annotated[str, typer.Option(help="What the model is called.")],
    licence: Annotated[str, typer.Option(help="Its weights' licence (SPDX).")] = "unknown",
    key: Annotated[str | None, typer.Option(help="Sign with this private key (PEM, elliptic, no password).")] = None,
    as_json: Json = False,
) -> None:
    """Pack a model into a bundle with a manifest, signed if there is a key, for an appliance without internet."""
    from pathlib import Path

    from appliance.catalog import packing

    output.wants_json(as_json)
    sealed = packing.pack(Path(directory), Path(bundle), name, licence, Path(key) if key else None)
    told = {"bundle": bundle, "name": sealed.name, "digest": sealed.digest, "bytes": sealed.size, "signed": bool(key)}
    if as_json:
        output.document(told)
    else:
        output.fields(told, tuple(told))


@app.command("verify")
def verify(
    model: Annotated[str | None, typer.Argument(help="Its name or id; all of them when left out.")] = None,
    as_json: Json = False,
) -> None:
    """Read every byte of a model again; the exit code is 1 when any differs from its manifest."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api, output.console(stderr=True).status("Reading every byte …"):
        wanted = [item for item in api.all("/api/v1/models") if model in (None, item["name"], item["id"])]
        if not wanted:
            raise NotFound(f"There is no model '{model}'.")
        items = [api.post(f"/api/v1/models/{item['id']}/verify", patient=True) for item in wanted]
    _shown(items, as_json=as_json)


def _brought(verb: str, body: dict[str, Any], doing: str, *, as_json: bool) -> None:
    """Ask for the job, wait for its end and show the version."""
    from appliance.entry.cli import jobs
    from appliance.entry.cli.client import connect

    with connect() as api, output.console(stderr=True).status(doing):
        job = api.post(f"/api/v1/models/{verb}", body)
        found = jobs.ended(api, job["id"])
        item = api.get(f"/api/v1/models/{found['result']['model']}")
    _shown([item], as_json=as_json)


def _shown(items: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        output.document({"items": items})
    else:
        output.table(COLUMNS, items, "There is none.")
    if any(item["state"] != "verified" for item in items):
        raise typer.Exit(1)


def version(api: "Api", wanted: str) -> dict[str, Any]:
    """The newest model version of this name, or the one of this id or digest. Raises :class:`NotFound`."""
    found = [
        item
        for item in api.all("/api/v1/models")
        if wanted in (item["id"], item["name"]) or (len(wanted) >= SHORTEST and item["digest"].startswith(wanted))
    ]
    if not found:
        raise NotFound(f"There is no model '{wanted}'.")
    return dict(found[-1])
