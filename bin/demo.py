"""The demonstration: a whole appliance from nothing, the sample handbook, questions in three scripts, checked answers.

Everything goes through the command line, as a person would do it. Exit code 0 only if every answer holds what the
handbook says, and the unanswerable questions are answered by "the documents do not tell".
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

ROOT = Path(__file__).resolve().parents[1]
APPLIANCE = ROOT / ".venv/bin/appliance"
HANDBOOK = ROOT / "docs/handbook"
COLLECTION = "handbook"
START_SECONDS = 420

# Which of the handbook's questions are asked, and in which mode the answer is wanted ("auto": the appliance decides).
ASKED = (
    ("q10", "auto"),
    ("q37", "auto"),
    ("q21", "auto"),
    ("q30", "quoted"),
    ("q23", "quoted"),
    ("q41", "auto"),
    ("q51", "auto"),
    ("q56", "auto"),
    ("q58", "auto"),
)
UNANSWERABLE = {"en": 1, "zh-Hans": 1}

console = Console(highlight=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the handbook and what a right answer holds."""

    text: str
    language: str
    facts: tuple[str, ...]
    document: str | None
    mode: str


def questions() -> list[Asked]:
    """The chosen questions, then the unanswerable ones."""
    lines = (HANDBOOK / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    rows: dict[str, dict[str, Any]] = {row["id"]: row for row in map(json.loads, lines)}
    chosen = [_asked(rows[number], mode) for number, mode in ASKED]
    for language, count in UNANSWERABLE.items():
        open_ = [row for row in rows.values() if row["document"] is None and row["language"] == language]
        chosen += [_asked(row, "auto") for row in open_[:count]]
    return chosen


def _asked(row: Mapping[str, Any], mode: str) -> Asked:
    return Asked(row["question"], row["language"], tuple(row["facts"]), row["document"], mode)


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def call(*arguments: str, data: Path) -> dict[str, Any]:
    """One CLI verb's JSON document. Ends the demonstration when it fails."""
    done = subprocess.run(
        [APPLIANCE, *arguments, "--json"],
        env={**os.environ, "APPLIANCE_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
        timeout=START_SECONDS,
    )
    if done.returncode != 0:
        raise SystemExit(f"appliance {' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@contextmanager
def running(data: Path) -> Iterator[None]:
    """``appliance up`` until the block ends; its output is shown when it fails."""
    output = data.parent / "up.txt"
    environment = {**os.environ, "APPLIANCE_MODELS": os.environ.get("APPLIANCE_MODELS", str(ROOT / ".cache/models"))}
    with output.open("w") as file:
        up = subprocess.Popen(
            [APPLIANCE, "up", "--data", str(data), "--port", str(free_port())],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
        )
    try:
        wait_ready(up, data, output)
        yield
    finally:
        up.send_signal(signal.SIGINT)
        code = up.wait(timeout=60)
    if code != 0:
        raise SystemExit(f"up ended with code {code}:\n{output.read_text()}")


def wait_ready(up: subprocess.Popen[bytes], data: Path, output: Path) -> None:
    """Wait until every part is ready, showing which are not."""
    deadline = time.monotonic() + START_SECONDS
    with console.status("starting…") as shown:
        while True:
            if up.poll() is not None:
                raise SystemExit(f"up ended while starting:\n{output.read_text()}")
            if time.monotonic() > deadline:
                raise SystemExit(f"not ready after {START_SECONDS} s:\n{output.read_text()}")
            waiting = missing(data)
            if not waiting:
                return
            shown.update("waiting for " + ", ".join(waiting))
            time.sleep(0.5)


def missing(data: Path) -> list[str]:
    """The parts that are not ready yet."""
    asked = subprocess.run(
        [APPLIANCE, "status", "--json"],
        env={**os.environ, "APPLIANCE_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        parts = json.loads(asked.stdout)["parts"]
    except (ValueError, KeyError):
        return ["the control plane"]
    return [part["name"] for part in parts if part["state"] not in ("ready", "done")]


def judge(asked: Asked, answer: Mapping[str, Any]) -> str:
    """Empty when the answer is right, else what is wrong with it."""
    if asked.document is None:
        return "" if answer["mode"] == "none" else "answered, but the handbook does not tell"
    cited = [citation for citation in answer["citations"] if citation["document"] == asked.document]
    words = " ".join(citation["quote"] for citation in cited)
    absent = [fact for fact in asked.facts if fact not in words]
    return f"no citation of {asked.document} holds {', '.join(absent)}" if absent else ""


def show(asked: Asked, answer: Mapping[str, Any], fault: str) -> None:
    """The question, the answer, where it stands."""
    console.print(f"\n[bold]{escape(asked.text)}[/bold]")
    console.print(f"  {escape(answer['answer'])}  [dim]({answer['mode']})[/dim]")
    for citation in answer["citations"]:
        place = f"page {citation['page']}" if citation["page"] else f"line {citation['line']}"
        quote = " ".join(citation["quote"].split())
        console.print(
            f"  [cyan]\\[{citation['number']}] {escape(citation['document'])}, {place}[/cyan] {escape(quote)}"
        )
    if fault:
        console.print(f"  [red]wrong: {escape(fault)}[/red]")


def main() -> int:
    """Run it."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="appliance-demo-") as place:
        data = Path(place) / "data"
        with running(data):
            console.print(f"the appliance is up after {time.monotonic() - begun:.0f} s")
            taken = call("ingest", str(HANDBOOK), "--collection", COLLECTION, data=data)
            ready = [file for file in taken["files"] if file["state"] == "ready"]
            console.print(f"{len(ready)} documents of the handbook are ready")
            faults, modes = 0, set()
            for asked in questions():
                answer = call("ask", asked.text, "--collection", COLLECTION, "--mode", asked.mode, data=data)
                fault = judge(asked, answer)
                modes.add((asked.language, answer["mode"]))
                faults += bool(fault)
                show(asked, answer, fault)
    wanted = {("en", "composed"), ("en", "quoted"), ("zh-Hans", "quoted"), ("zh-Hant", "quoted")}
    for language, mode in sorted(wanted - modes):
        console.print(f"[red]no {mode} answer in {language} was shown[/red]")
    right = faults == 0 and wanted <= modes
    console.print(
        f"\n{'every answer is right' if right else f'{faults} answers are wrong'}; {time.monotonic() - begun:.0f} s"
    )
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
