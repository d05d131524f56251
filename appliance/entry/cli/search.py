"""``appliance search``: the passages themselves, without an answer."""

from typing import Annotated, Any

import typer

from appliance.entry.cli import output, wording
from appliance.entry.cli.output import Json
from appliance.entry.cli.tenants import one, within
from appliance.kit.errors import BadRequest

Many = list[str] | None


class NotADay(BadRequest):
    """A day is written as 2026-11-24."""

    code = "not_a_day"


def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    *,
    collection: Annotated[
        Many, typer.Option("--collection", "-c", help="Only in this collection; may be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many passages.")] = 10,
    kind: Annotated[Many, typer.Option("--type", help="Only documents of this type, say pdf; may be repeated.")] = None,
    language: Annotated[
        Many, typer.Option(help="Only documents in this language: en, zh, zh-Hans, zh-Hant; may be repeated.")
    ] = None,
    tag: Annotated[Many, typer.Option(help="Only documents with this tag; of several a document has all.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DAY", help="Only what was taken in on this day or later.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DAY", help="Only what was taken in on this day or before.")
    ] = None,
    source: Annotated[
        Many, typer.Option(help="Only what came from this source, by its name or id; may be repeated.")
    ] = None,
    fold: Annotated[
        str, typer.Option(help="What is shown once: alike (says the same), same (letter by letter), none.")
    ] = "alike",
    stitch: Annotated[int, typer.Option(min=0, max=3, help="Neighbours shown with a passage, on each side.")] = 0,
    seen_by: Annotated[
        str | None,
        typer.Option("--as", metavar="LOGIN", help="What this person would find: for administrators."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Search the documents for passages."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    wished = {"collections": collection, "types": kind, "languages": language, "tags": tag, "sources": source}
    days = {"since": _day(since), "until": _day(until)}
    body = {"query": query, "limit": limit, "fold": fold, "stitch": stitch}
    body |= {name: value for name, value in {**wished, **days}.items() if value}
    with connect() as api:
        person = one(api, f"{within(api, None)}/users", "user", seen_by, "login")["id"] if seen_by else None
        found = api.post(f"/api/v1/search/as/{person}" if person else "/api/v1/search", body)
    if as_json:
        output.document(found)
        return
    for rank, hit in enumerate(found["hits"], 1):
        _say(rank, hit)
    if not found["hits"]:
        output.say("Nothing was found.")
    if found.get("note"):
        output.say(str(found["note"]), stderr=True)


def _say(rank: int, hit: dict[str, Any]) -> None:
    output.say(f"{rank}. {wording.place(hit)}")
    text, marks = wording.excerpt(hit["text"], [(one["start"], one["end"]) for one in hit["highlights"]])
    output.marked(f"   {text}", [(start + 3, end + 3) for start, end in marks])
    for note in wording.doubts(hit):
        output.say(f"   {note}")
    if hit["same"]:
        output.say(f"   the same in: {'; '.join(wording.place(one) for one in hit['same'])}")
    output.say("")


def _day(given: str | None) -> str | None:
    from datetime import date

    if given is None:
        return None
    try:
        return date.fromisoformat(given).isoformat()
    except ValueError as error:
        raise NotADay(f"'{given}' is no day") from error
