"""``appliance documents|collections access|share|inherit``: who may read what."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from appliance.entry.cli import collections, documents, output
from appliance.entry.cli.output import Json
from appliance.entry.cli.tenants import one, within
from appliance.kit.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from appliance.entry.cli.client import Api

Groups = Annotated[list[str] | None, typer.Option("--group", "-g", help="A group's name or id; may be repeated.")]
Users = Annotated[list[str] | None, typer.Option("--user", "-u", help="A user's login or id; may be repeated.")]
Everyone = Annotated[bool, typer.Option("--everyone", help="Everyone in the tenant.")]
Nobody = Annotated[bool, typer.Option("--nobody", help="Nobody, until the list is changed again.")]
FIELDS = ("name", "readers", "inherited", "pending_since")
COLLECTIONS, DOCUMENTS = collections.app, documents.app
"""The verbs of collections and documents, those of this module among them."""


class NoReaders(BadRequest):
    """It was not said who may read."""

    code = "no_readers"
    advice = "Name them with --everyone, --group or --user, or say --nobody."


@documents.app.command("access")
def document_access(document: documents.Named, collection: documents.In = None, as_json: Json = False) -> None:
    """Show who may read a document."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        _told(api.get(f"/api/v1/documents/{any_document(api, document, collection)}/access"), as_json=as_json)


@documents.app.command("share")
def share_document(
    document: documents.Named,
    collection: documents.In = None,
    *,
    group: Groups = None,
    user: Users = None,
    everyone: Everyone = False,
    nobody: Nobody = False,
    as_json: Json = False,
) -> None:
    """Say who may read a document, and nobody else; in force at once."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        body = readers_of(api, group, user, everyone=everyone, nobody=nobody)
        path = f"/api/v1/documents/{any_document(api, document, collection)}/access"
        _told(api.send("PUT", path, json=body), as_json=as_json)


@documents.app.command("inherit")
def inherit(document: documents.Named, collection: documents.In = None, as_json: Json = False) -> None:
    """Let a document be read by whom its collection says, again."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        _told(api.delete(f"/api/v1/documents/{any_document(api, document, collection)}/access"), as_json=as_json)


@documents.app.command("explain")
def explain(
    document: documents.Named,
    user: Annotated[str, typer.Option("--user", "-u", help="The person's login or id.")],
    collection: documents.In = None,
    chunk: Annotated[str | None, typer.Option(help="The id of one passage of it.")] = None,
    as_json: Json = False,
) -> None:
    """Say why a person may or may not read a document; the exit code is 1 where they may not."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        key = any_document(api, document, collection)
        person = one(api, f"{within(api, None)}/users", "user", user, "login")["id"]
        told = api.get(f"/api/v1/documents/{key}/explain/{person}", chunk_id=chunk)
    if as_json:
        output.document(told)
    else:
        output.say(f"'{told['login']}' may {'' if told['may_read'] else 'not '}read '{told['document']}':")
        for reason in told["reasons"]:
            output.say(f"  {'✓' if reason['allows'] else '✗'} {reason['told']}")
        if told["pending_since"]:
            output.say(f"  the index learns of a change of {output.moment(told['pending_since'])}; it holds already")
    if not told["may_read"]:
        raise typer.Exit(1)


@collections.app.command("access")
def collection_access(name: collections.Named, as_json: Json = False) -> None:
    """Show who may read a collection's documents, those with a list of their own aside."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        _told(api.get(f"/api/v1/collections/{collections.one(api, name)['id']}/access"), as_json=as_json)


@collections.app.command("share")
def share_collection(
    name: collections.Named,
    *,
    group: Groups = None,
    user: Users = None,
    everyone: Everyone = False,
    nobody: Nobody = False,
    as_json: Json = False,
) -> None:
    """Say who may read a collection's documents; those with a list of their own keep it. In force at once."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        body = readers_of(api, group, user, everyone=everyone, nobody=nobody)
        path = f"/api/v1/collections/{collections.one(api, name)['id']}/access"
        _told(api.send("PUT", path, json=body), as_json=as_json)


def any_document(api: "Api", document: str, collection: str | None) -> str:
    """The id of a document of this id or name, one that the caller may not read too."""
    try:
        return str(UUID(document))
    except ValueError:
        pass
    within_it = collections.one(api, collection)["id"] if collection else None
    found = api.all("/api/v1/documents-access", collection=within_it, name=document)
    if not found:
        raise NotFound(f"There is no document '{document}'.")
    if len(found) > 1:
        raise documents.Ambiguous(f"{len(found)} documents are named '{document}'.", ids=[item["id"] for item in found])
    return str(found[0]["id"])


def readers_of(
    api: "Api", groups: list[str] | None, users: list[str] | None, *, everyone: bool, nobody: bool
) -> dict[str, Any]:
    """The access list that the options name. Raises :class:`NoReaders`."""
    if nobody == bool(groups or users or everyone):
        raise NoReaders
    at = within(api, None)
    return {
        "everyone": everyone,
        "groups": [one(api, f"{at}/groups", "group", name)["id"] for name in groups or ()],
        "users": [one(api, f"{at}/users", "user", login, "login")["id"] for login in users or ()],
    }


def _told(access: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.document(access)
        return
    named = [*(f"group {one['name']}" for one in access["groups"]), *(one["name"] for one in access["users"])]
    readers = [*(["everyone"] if access["everyone"] else []), *named] or ["nobody"]
    since = output.moment(access["pending_since"])
    output.fields({**access, "readers": readers, "pending_since": since}, FIELDS)
