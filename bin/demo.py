"""The demo: start an appliance, give it the sample handbook, ask, and check that each answer's sources hold the facts.

It does what a person does, by the same commands. Exit code 1 when an answer lacks a fact, answers what the documents do
not tell, or has another mode than it should.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from appliance.entry import up_logs, up_record
from appliance.entry.cli import finding, wording
from appliance.entry.cli.client import Api
from appliance.kit.errors import ApplianceError
from appliance.kit.layout import Layout

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / ".data" / "demo"
HANDBOOK = ROOT / "docs" / "handbook"
PROGRAM = Path(sys.executable).with_name("appliance")
AUTO = ("q01", "q13", "q14", "q18", "q22", "q32", "q37", "q40")
"""English: composed where what the model says is supported, else quoted."""
QUOTED = ("q10", "q30")
"""English, asked for word for word."""
CHINESE = 3
"""Of each script, how many: the model does not speak it, so the answer is quoted."""
READY_SECONDS = 900
"""A first start of the engine compiles for minutes on a slow machine."""


def main() -> int:
    """Run the demo; the exit code."""
    console, begun = Console(highlight=False, soft_wrap=True), time.monotonic()
    shutil.rmtree(DATA, ignore_errors=True)
    with running(console, DATA) as environment:
        console.print("\n[bold]The sample handbook is taken in[/bold]")
        if call(environment, "ingest", str(HANDBOOK / "documents"), "--collection", "handbook").returncode:
            return 1
        wait_ready(console, DATA, begun)
        faults = ask_all(console, environment)
    for fault in faults:
        console.print(f"[red]✗ {escape(fault)}[/red]")
    outcome = f"{len(faults)} answers are wrong" if faults else "every answer holds its facts"
    console.print(f"[bold]{outcome}[/bold], after {time.monotonic() - begun:.0f} s in all.")
    console.print(f"The appliance of the demo is in {DATA.relative_to(ROOT)}: 'appliance up --data' starts it again.")
    return 1 if faults else 0


@contextmanager
def running(console: Console, data: Path) -> Iterator[dict[str, str]]:
    """An appliance, up to where documents are taken in; the environment in which its command line finds it."""
    environment = {**os.environ, "APPLIANCE_DATA": str(data)}
    for name in ("APPLIANCE_URL", "APPLIANCE_KEY"):
        environment.pop(name, None)
    console.print("[bold]appliance up[/bold]")
    with subprocess.Popen([PROGRAM, "up", "--data", data, "--port", str(free_port())], env=environment) as up:
        try:
            wait_up(up, data)
            yield environment
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(120)


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_up(up: "subprocess.Popen[bytes]", data: Path) -> None:
    """Wait until the control plane is up; end when it cannot be."""
    while up.poll() is None:
        with suppress(ApplianceError):
            if up_record.read(Layout(data)).state == "up":
                return
        time.sleep(0.1)
    sys.exit("appliance up ended: see what it said above.")


def wait_ready(console: Console, data: Path, begun: float) -> None:
    """Wait for the encoder and the engine, which load while documents are taken in."""
    console.print("Waiting for the engine: its first start on a machine compiles, and takes minutes …")
    waiting = "everything"
    with Api(finding.find(finding.Places({"APPLIANCE_DATA": str(data)}, Path.home()))) as api:
        while time.monotonic() < begun + READY_SECONDS:
            parts = api.get("/api/v1/status")["parts"]
            waiting = ", ".join(f"{part['name']} is {part['state']}" for part in parts if part["state"] != "ready")
            if not waiting:
                return
            time.sleep(0.5)
    for path in up_logs.files(Layout(data), None):
        console.print(path.name, *up_logs.tail(path, 5), sep="\n", markup=False)
    sys.exit(f"After {READY_SECONDS} s: {waiting}.")


def ask_all(console: Console, environment: dict[str, str]) -> list[str]:
    """Ask and show each question of the demo; what is wrong with the answers."""
    faults, modes = [], set()
    for question in chosen():
        console.print(f"\n[bold]? {escape(question['question'])}[/bold]")
        answer = ask(environment, question)
        console.print(wording.answer(answer), markup=False)
        for line in wording.sources(answer):
            console.print(line, markup=False, style="dim")
        if question["language"] == "en":
            modes.add(answer["mode"])
        fault = wrong(question, answer)
        console.print("[red]✗ " + escape(fault) if fault else f"[green]✓ {answer['mode']}, as it should be")
        faults += [f"{question['question']} {fault}"] if fault else []
    missing = {"composed", "quoted"} - modes
    return faults + [f"no English answer was {mode}" for mode in sorted(missing)]


def chosen() -> list[dict[str, Any]]:
    """The questions of the demo: English, both scripts of Chinese, and one of each that nothing answers."""
    lines = (HANDBOOK / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line) for line in lines]
    english = [q for q in questions if q["id"] in AUTO + QUOTED]
    wanted = english[:]
    for language in ("zh-Hans", "zh-Hant"):
        wanted += [q for q in questions if q["language"] == language and q["document"]][:CHINESE]
    for language in ("en", "zh-Hans", "zh-Hant"):
        wanted += [q for q in questions if q["language"] == language and not q["document"]][:1]
    return wanted


def ask(environment: dict[str, str], question: dict[str, Any]) -> dict[str, Any]:
    """The answer, as the command line gives it to a program."""
    quoted = ["--quoted"] if question["id"] in QUOTED else []
    told = call(environment, "ask", question["question"], "--collection", "handbook", "--json", *quoted, capture=True)
    answer: dict[str, Any] = json.loads(told.stdout)
    return answer


def wrong(question: dict[str, Any], answer: dict[str, Any]) -> str:
    """What is wrong with an answer; empty when nothing is."""
    if "error" in answer:
        return str(answer["error"]["detail"])
    if not question["document"]:
        return "" if answer["mode"] == "none" else "was answered, but the documents do not tell"
    if (question["mode"] == "quoted" or question["id"] in QUOTED) and answer["mode"] != "quoted":
        return f"was to be quoted and is {answer['mode']}"
    quotes = plain("".join(citation["quote"] or "" for citation in answer["citations"]))
    missing = [fact for fact in question["facts"] if plain(fact) not in quotes]
    return f"no source holds {', '.join(missing)}" if missing else ""


def plain(text: str) -> str:
    """NFKC without white space: a PDF breaks lines inside a sentence."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def call(environment: dict[str, str], *arguments: str, capture: bool = False) -> "subprocess.CompletedProcess[str]":
    """One command of the command line."""
    output = subprocess.PIPE if capture else None
    return subprocess.run([PROGRAM, *arguments], env=environment, stdout=output, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
