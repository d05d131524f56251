"""The verbs that act on this machine: ``up, status, stop, logs``."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.entry.cli import output
from appliance.entry.cli.finding import Places
from appliance.entry.cli.output import Json
from appliance.kit.errors import ApplianceError
from appliance.kit.layout import Layout

if TYPE_CHECKING:
    from appliance.entry.up_record import Record

Data = Annotated[Path | None, typer.Option("--data", help="The data directory (else APPLIANCE_DATA, else your own).")]
SET_UP_STORE = Path(".cache/models")
"""Where ``bin/setup`` puts the models, from the root of a clone."""
_SHOWN = ("timestamp", "level", "event")


def up(
    data: Data = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; any but loopback needs a certificate.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on.")] = None,
    cert: Annotated[Path | None, typer.Option(help="TLS certificate.")] = None,
    key: Annotated[Path | None, typer.Option(help="TLS private key.")] = None,
    as_json: Json = False,
) -> None:
    """Run the whole appliance in this terminal, until Ctrl-C."""
    from appliance.entry.up import Options, Signals, run

    output.wants_json(as_json)
    layout = of(data)
    if store := store_of_set_up(layout.data, Path(__file__).resolve().parents[3] / SET_UP_STORE):
        os.environ["APPLIANCE_MODELS"] = str(store)
    options = Options(data=data, host=host, port=port, certificate=cert, key=key)
    code = run(options, output.console(stderr=as_json), Signals())
    if as_json:
        output.document({"data": str(layout.data), "exit": code})
    raise typer.Exit(code)


def status(data: Data = None, as_json: Json = False) -> None:
    """Show every part with its state; the exit code is 1 unless all of it is up."""
    output.wants_json(as_json)
    told = _remote() if "APPLIANCE_URL" in os.environ and data is None else _here(of(data))
    if as_json:
        output.document(told)
    else:
        output.say(f"{told['url']}  version {told.get('version')}  {told['state']}")
        columns: list[output.Column] = [
            ("part", lambda part: part["name"]),
            ("state", lambda part: part["state"]),
            ("pid", lambda part: part.get("pid")),
            ("restarts", lambda part: part.get("restarts") or ""),
            ("", lambda part: part.get("detail")),
        ]
        output.table(columns, told["parts"], "It told of no parts.")
        if told.get("counts"):
            output.say(output.cell(told["counts"]))
    if told["state"] != "up":
        raise typer.Exit(1)


def stop(data: Data = None, as_json: Json = False) -> None:
    """Stop the appliance of this data directory and wait until nothing of it runs."""
    from appliance.entry import up_record

    output.wants_json(as_json)
    layout = of(data)
    up_record.stop(layout)
    if as_json:
        output.document({"data": str(layout.data), "state": "stopped"})
    else:
        output.say("It has stopped.")


def logs(
    part: Annotated[str | None, typer.Argument(help="Which process; all of them when left out.")] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes (one process).")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show what the processes wrote."""
    from appliance.entry import up_logs

    output.wants_json(as_json)
    files = up_logs.files(of(data), part)
    last = {path.stem: up_logs.tail(path, lines) for path in files}
    if as_json:
        output.document({"logs": last})
        return
    for name, found in last.items():
        for each in found:
            output.say(log_line(each, name if part is None else ""))
    if follow:
        for each in _followed(files, up_logs.follow):
            output.say(log_line(each))


def of(data: Path | None) -> Layout:
    """The data directory that is meant; the processes that we start or ask read it from the environment."""
    found = (data or Places.here().data).absolute()
    os.environ["APPLIANCE_DATA"] = str(found)
    return Layout(found)


def store_of_set_up(data: Path, store: Path) -> Path | None:
    """The models that the set-up fetched, unless a store is set or the data directory has one of its own."""
    if "APPLIANCE_MODELS" in os.environ or (data / "models").exists() or not store.is_dir():
        return None
    with suppress(OSError):
        if any(line.startswith("models") for line in (data / "appliance.toml").read_text().splitlines()):
            return None
    return store


def log_line(line: str, process: str = "") -> str:
    """A structured line as ``time level event name=value …``; any other as it is."""
    with suppress(ValueError):
        told = json.loads(line)
        if isinstance(told, dict) and "event" in told:
            rest = (f"{name}={value}" for name, value in told.items() if name not in (*_SHOWN, "process", "source"))
            at = output.moment(told.get("timestamp"))
            line = f"{at} {told.get('level', '')!s:<8} {told['event']}  {' '.join(rest)}".rstrip()
    return f"{process:<9} {line}" if process else line


def _followed(files: list[Path], follow: Callable[..., Iterator[str]]) -> Iterator[str]:
    if len(files) != 1:
        raise typer.BadParameter("name one process to follow: appliance logs web -f")
    return follow(files[0], lambda: False)


def _remote() -> dict[str, Any]:
    from appliance.entry.cli.client import connect

    with connect() as api:
        told = api.get("/api/v1/status")
        whole = all(part["state"] in ("ready", "off") for part in told["parts"])
        return {"url": api.url, "state": "up" if whole else "degraded", **told}


def _here(layout: Layout) -> dict[str, Any]:
    from appliance.entry import up_record

    record = up_record.read(layout)
    told: dict[str, Any] = {"url": record.url, "version": record.version, "state": record.state, "pid": record.pid}
    told |= {"data": str(layout.data), "parts": parts(record)}
    with suppress(ApplianceError):
        found = _remote()
        known = {part["name"] for part in told["parts"]}
        told["parts"] += [part for part in found["parts"] if part["name"] not in (*known, "database")]
        told["counts"] = found.get("counts")
    return told


def parts(record: "Record") -> list[dict[str, Any]]:
    """The parts of a record as documents."""
    return [
        {"name": name, "state": part.state, "detail": part.detail, "pid": part.pid, "restarts": part.restarts}
        for name, part in record.parts.items()
    ]
