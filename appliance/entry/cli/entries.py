"""``appliance models entries``: what the catalogue knows of models, here or not."""

from typing import Annotated

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json

app = typer.Typer(help="What the catalogue knows: list, show.", no_args_is_help=True)

PATH = "/api/v1/catalog/entries"
COLUMNS: list[output.Column] = [
    ("name", lambda item: item["name"]),
    ("kind", lambda item: item["kind"]),
    ("parameters", lambda item: f"{item['parameters'] / 1e6:,.0f} M"),
    ("context", lambda item: item.get("context")),
    ("languages", lambda item: item.get("languages")),
    ("licence", lambda item: item["licence"]["id"]),
    ("commercial", lambda item: item["licence"]["commercial"]["use"]),
    ("served", lambda item: item["served"]["how"]),
]
FIELDS = (
    "name", "title", "family", "kind", "parameters", "counted", "context", "languages", "modality", "architecture",
    "served", "suggested", "sources", "doubts",
)  # fmt: skip
TERMS = (
    "id", "commercial", "registration", "attribution", "naming", "user_cap", "outputs_train_others", "acceptable_use",
    "source", "read",
)  # fmt: skip


@app.command("list")
def list_entries(as_json: Json = False) -> None:
    """List the models that the catalogue knows, and the terms of their licences in short."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        items = api.all(PATH)
    if as_json:
        output.document({"items": items})
    else:
        output.table(COLUMNS, items, "The catalogue is empty.")


@app.command("show")
def show(name: Annotated[str, typer.Argument(help="Its name in the catalogue.")], as_json: Json = False) -> None:
    """Show one entry with the terms of its weights' licence, as read on which day."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        found = api.get(f"{PATH}/{name}")
    if as_json:
        output.document(found)
        return
    output.fields(found, FIELDS)
    output.say("")
    terms(found["licence"])


def terms(licence: output.Document) -> None:
    """The terms of a licence, one a line."""
    output.fields({f"licence_{term}": licence.get(term) for term in TERMS}, [f"licence_{term}" for term in TERMS])
