"""``appliance doctor``: what is not as it should be on this machine and in the appliance, each with what to do."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from appliance.entry.cli import output
from appliance.entry.cli.finding import Places, find
from appliance.entry.cli.local import Data, of
from appliance.entry.cli.output import Json
from appliance.kit import confine
from appliance.kit.errors import ApplianceError
from appliance.kit.layout import Layout

if TYPE_CHECKING:
    from appliance.entry.cli.client import Api

State = Literal["ok", "warning", "failed"]
MARKS: dict[State, str] = {"ok": "✓", "warning": "!", "failed": "✗"}
LIBRARIES = tuple(map(Path, ("/usr/lib", "/usr/lib64", "/usr/local/lib")))


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at, and what to do unless it is ok."""

    name: str
    state: State
    detail: str
    advice: str = ""


def doctor(data: Data = None, as_json: Json = False) -> None:
    """Look at the machine, the data directory and the appliance; the exit code is 1 when something failed."""
    output.wants_json(as_json)
    found = list(examine(of(data)))
    if as_json:
        output.document({"findings": [asdict(each) for each in found]})
    else:
        for each in found:
            output.say(line(each))
    if any(each.state == "failed" for each in found):
        raise typer.Exit(1)


def line(finding: Finding) -> str:
    """One finding as a line."""
    told = f"{MARKS[finding.state]} {finding.name}: {finding.detail}"
    return f"{told.removesuffix('.')}. {finding.advice}" if finding.advice else told


def examine(layout: Layout) -> Iterator[Finding]:
    """Every finding, in the order in which one would look."""
    yield from machine(layout)
    yield from private(layout)
    try:
        from appliance.entry.cli.client import Api

        with Api(find(Places.here())) as api:
            yield from running(api)
    except ApplianceError as error:
        yield _failed("appliance", error)


def machine(layout: Layout) -> Iterator[Finding]:
    """Memory, disk, and what makes the engine fast."""
    from appliance.entry import up_checks
    from appliance.kit.settings import HostSettings

    room, least = up_checks.room(layout.data), HostSettings()
    yield _enough("memory", room.memory, least.least_memory, "Close something, or use a larger machine.")
    yield _enough("disk", room.disk, least.least_disk, f"Make room below {layout.data}.")
    there = any(folder.glob("**/libtcmalloc_minimal.so.4") for folder in LIBRARIES if folder.is_dir())
    yield _wanted("tcmalloc", there, "The engine is slower without: install libtcmalloc-minimal4.")
    yield _wanted("compiler", shutil.which("g++") is not None, "The engine is slower without: install g++.")
    yield walls(confine.offered())


def walls(has: confine.Offered) -> Finding:
    """What of this kernel shuts in the processes that read hostile files."""
    files = f"Landlock {has.files}" if has.files else "no Landlock"
    detail = f"{files}, {'seccomp' if has.calls else 'no seccomp'}"
    lacking = confine.missing(has)
    return Finding("walls", "warning" if lacking else "ok", detail, " ".join(lacking))


def private(layout: Layout) -> Iterator[Finding]:
    """Nobody else may read the secrets or reach the sockets."""
    for folder in (layout.secrets, layout.run):
        if folder.exists():
            mode = folder.stat().st_mode & 0o777
            shut = mode & 0o077 == 0
            advice = "" if shut else f"Run: chmod 700 {folder}"
            yield Finding(folder.name, "ok" if shut else "failed", f"mode {mode:04o}", advice)


OF_PARTS: dict[str, State] = {"ready": "ok", "off": "ok", "starting": "warning", "degraded": "warning"}
"""What the states of parts mean; any other is a failure."""


def running(api: "Api") -> Iterator[Finding]:
    """The key, every part, every model."""
    who = api.get("/api/v1/me")
    yield Finding("key", "ok", f"{who.get('name')} ({who.get('role')}) at {api.url}")
    for part in api.get("/api/v1/status")["parts"]:
        state = OF_PARTS.get(part["state"], "failed")
        advice = "" if state == "ok" else "See 'appliance logs'."
        yield Finding(
            part["name"], state, part["state"] + (f", {part['detail']}" if part.get("detail") else ""), advice
        )
    yield from _asked("models", lambda: _models(api))


def _models(api: "Api") -> Iterator[Finding]:
    for model in api.all("/api/v1/models"):
        whole = model["state"] == "verified"
        advice = "" if whole else f"Fetch it again: 'appliance models pull {model['name']}'."
        yield Finding(model["name"], "ok" if whole else "failed", model.get("reason") or model["state"], advice)


def _asked(name: str, ask: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(ask())
    except ApplianceError as error:
        return [_failed(name, error)]


def _failed(name: str, error: ApplianceError) -> Finding:
    told = error.problem()
    return Finding(name, "failed", str(told["detail"]), str(told["advice"]))


def _enough(name: str, has: int, needs: int, advice: str) -> Finding:
    state: State = "ok" if has >= needs else "failed"
    detail = f"{output.size(has)} free" + ("" if state == "ok" else f", {output.size(needs)} needed")
    return Finding(name, state, detail, "" if state == "ok" else advice)


def _wanted(name: str, there: bool, advice: str) -> Finding:
    return Finding(name, "ok" if there else "warning", "found" if there else "not found", "" if there else advice)
