"""``appliance search``: the passages themselves, without an answer."""

from typing import Annotated

import typer

from appliance.entry.cli import output, wording
from appliance.entry.cli.output import Json
from appliance.entry.cli.tenants import one, within


def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    collection: Annotated[
        list[str] | None, typer.Option("--collection", "-c", help="Only in this collection; may be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many passages.")] = 10,
    seen_by: Annotated[
        str | None,
        typer.Option("--as", metavar="LOGIN", help="What this person would find: for administrators."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Search the documents for passages."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    body = {"query": query, "limit": limit} | ({"collections": collection} if collection else {})
    with connect() as api:
        person = one(api, f"{within(api, None)}/users", "user", seen_by, "login")["id"] if seen_by else None
        found = api.post(f"/api/v1/search/as/{person}" if person else "/api/v1/search", body)
    if as_json:
        output.document(found)
        return
    for rank, hit in enumerate(found["hits"], 1):
        output.say(f"{rank}. {wording.place(hit)}")
        output.say(f"   {wording.shortened(' '.join(hit['text'].split()))}\n")
    if not found["hits"]:
        output.say("Nothing was found.")
    if found.get("note"):
        output.say(str(found["note"]), stderr=True)
