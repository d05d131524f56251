"""``appliance ask``: the answer as it comes, and beneath it where it stands in the documents."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.entry.cli import output, wording
from appliance.entry.cli.output import Json
from appliance.kit.errors import Unavailable

if TYPE_CHECKING:
    from rich.console import Console

    from appliance.entry.cli.events import Event

STAGES = {"searching": "Searching …", "reading": "Reading …", "writing": "Writing …"}


class Unfinished(Unavailable):
    """The stream of the answer ended before the answer did."""

    code = "unfinished_answer"
    advice = "Ask again; 'appliance status' shows whether the engine restarted."


def ask(
    question: Annotated[str, typer.Argument(help="What you want to know; in quotation marks.")],
    collection: Annotated[
        list[str] | None, typer.Option("--collection", "-c", help="Only in this collection; may be repeated.")
    ] = None,
    quoted: Annotated[bool, typer.Option("--quoted", help="Only the documents' own words, nothing composed.")] = False,
    conversation: Annotated[str | None, typer.Option(help="Go on with this conversation.")] = None,
    as_json: Json = False,
) -> None:
    """Ask the documents. The sources are listed beneath the answer."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    body: dict[str, Any] = {"question": question, "mode": "quoted" if quoted else "auto"}
    body |= {name: value for name, value in (("collections", collection), ("conversation", conversation)) if value}
    with connect() as api:
        if as_json:
            output.document(api.post("/api/v1/ask", body, patient=True))
            return
        done = shown(api.events("POST", "/api/v1/ask", body), output.console())
    if lines := wording.sources(done):
        output.say("\n" + "\n".join(lines))


def shown(events: Iterable["Event"], console: "Console") -> dict[str, Any]:
    """Show the answer as it is written, on a terminal in place, elsewhere once it is final; the ``done`` document."""
    from rich.live import Live
    from rich.text import Text

    text, stage, done = "", "", None
    with Live(console=console, auto_refresh=False, transient=True, vertical_overflow="visible") as live:
        for event in events:
            if event.kind == "status":
                stage = STAGES.get(str(event.data.get("stage")), "")
            elif event.kind == "delta":
                text += str(event.data["text"])
            elif event.kind == "replaced":
                text = str(event.data["answer"])
            elif event.kind == "done":
                done = event.data
            if console.is_terminal:
                live.update(Text(text or stage, style="" if text else "dim"), refresh=True)
    if done is None:
        raise Unfinished("The answer broke off.")
    console.print(wording.answer(done), markup=False)
    return done
