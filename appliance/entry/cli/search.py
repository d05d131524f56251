"""``appliance search``: the passages themselves, without an answer."""

from typing import Annotated

import typer

from appliance.entry.cli import output, wording
from appliance.entry.cli.output import Json


def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    collection: Annotated[
        list[str] | None, typer.Option("--collection", "-c", help="Only in this collection; may be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many passages.")] = 10,
    as_json: Json = False,
) -> None:
    """Search the documents for passages."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    body = {"query": query, "limit": limit} | ({"collections": collection} if collection else {})
    with connect() as api:
        found = api.post("/api/v1/search", body)
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
