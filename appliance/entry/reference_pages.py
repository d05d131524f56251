"""The pages of ``docs/reference/`` that are read from the code itself: the API, error codes, events.

Error classes and events are found in the sources, not among what happens to be imported.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from appliance.jobs.job import EventKind

SOURCES: Final = Path(__file__).resolve().parents[1]
ROOT: Final = "ApplianceError"

API = """# The API

`docs/openapi.json` (served as `/api/v1/openapi.json`) has every schema, refusal and example; this page is its list.
`Authorization: Bearer KEY`, or a browser's session with `X-CSRF-Token` on changes. Lists are paged by `cursor`, creates
take an `Idempotency-Key`, changes of what has an `ETag` want it in `If-Match`, and long work answers 202 with a job.
Errors are `application/problem+json` with a stable `code`: [errors.md](errors.md). Streams: [events.md](events.md).
"""
ERRORS = """# Errors

Every refusal and failure has a stable `code`, an HTTP status, what happened (`detail`) and what to do (`advice`). 429:
you are over your share; 503: we are full, or something is down; both carry `Retry-After`. What belongs to another
tenant is not found, word for word as what does not exist.

| status | code | is a | meaning | what to do |
|---|---|---|---|---|
"""
EVENTS = """# Events

Streams are server-sent events (`Accept: text/event-stream`).

## Of a job: `GET /api/v1/jobs/{job_id}/events`

Each has an `id`; `Last-Event-ID` resumes after it. A 204 says that all was told. Every event's data has `at`, the time.

| event | data |
|---|---|
"""
JOB: Final[Mapping[EventKind, str]] = {
    EventKind.STATE: "`state`, `attempt` and, at its end, why",
    EventKind.PROGRESS: "`done`, `total`, `stage`",
    EventKind.METRIC: "`name`, `value`, `step`",
    EventKind.LOG: "`level`, `message`, and what belongs to it",
    EventKind.OTHER: "`kind`, and its own data: an event that another version of the appliance wrote",
}
ANSWER: Final[Mapping[str, str]] = {
    "status": "`stage` (searching, reading, writing) and `detail`",
    "delta": "`text`: the next piece, provisional until `done`",
    "sentence": "`text`, `citations`, `supported`: a sentence that has been traced to its sources",
    "replaced": "`mode`, `answer`: what was composed is withdrawn for this",
    "done": "the whole answer with its citations, as without a stream",
    "error": "a problem, as in [errors.md](errors.md); nothing follows it",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A class of the error tree as its source says it."""

    name: str
    base: str
    status: int
    code: str
    meaning: str
    advice: str


@cache
def _modules() -> tuple[ast.Module, ...]:
    return tuple(ast.parse(path.read_text()) for path in sorted(SOURCES.rglob("*.py")) if "/dist/" not in str(path))


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _said(node: ast.ClassDef) -> dict[str, Any]:
    """What stands in the body: status, code, advice."""
    said: dict[str, Any] = {}
    for statement in node.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            target = statement.target if isinstance(statement, ast.AnnAssign) else statement.targets[0]
            if isinstance(target, ast.Name) and target.id in ("status", "code", "advice"):
                said[target.id] = ast.literal_eval(statement.value)
    return said


@cache
def failures() -> tuple[Failure, ...]:
    """Every class of the error tree, whichever module it stands in; a base before what is derived from it.

    Two modules may use one name: a base of the same module comes first.
    """
    waiting = [
        (number, node)
        for number, module in enumerate(_modules())
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef)
    ]
    found: dict[tuple[int, str], Failure] = {}
    by_name: dict[str, Failure] = {}
    fresh = True
    while fresh:
        fresh = False
        for number, node in waiting:
            bases = [found.get((number, _last(each))) or by_name.get(_last(each)) for each in node.bases]
            base = next((each for each in bases if each), None)
            if (number, node.name) not in found and (base or node.name == ROOT):
                found[number, node.name] = by_name[node.name] = _failure(node, base)
                fresh = True
    return tuple(found.values())


def _failure(node: ast.ClassDef, base: Failure | None) -> Failure:
    said = _said(node)
    meaning = (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ")
    told = {name: said.get(name, getattr(base, name, "")) for name in ("status", "code", "advice")}
    above = base.code if base and base.name != ROOT else ""
    return Failure(node.name, above, meaning=meaning, **told)


def errors() -> str:
    """Every code once, by status."""
    codes: dict[str, Failure] = {}
    for failure in failures():
        codes.setdefault(failure.code, failure)
    rows = sorted(codes.values(), key=lambda each: (each.status, each.code))
    return ERRORS + "".join(
        f"| {each.status} | `{each.code}` | {each.base} | {each.meaning} | {each.advice} |\n" for each in rows
    )


@cache
def answer_events() -> frozenset[str]:
    """The names of the events that an answer's stream makes."""
    calls = (node for module in _modules() for node in ast.walk(module) if isinstance(node, ast.Call))
    first = (call.args[0] for call in calls if _last(call.func) == "Event" and call.args)
    return frozenset(arg.value for arg in first if isinstance(arg, ast.Constant) and isinstance(arg.value, str))


def events() -> str:
    """Both kinds of streams. Raises LookupError for an event that nobody described."""
    if unknown := answer_events() - set(ANSWER):
        message = f"say in ANSWER what these events tell: {sorted(unknown)}"
        raise LookupError(message)
    jobs = "".join(f"| `{kind}` | {JOB[kind]} |\n" for kind in EventKind)
    answers = "".join(f"| `{name}` | {told} |\n" for name, told in ANSWER.items())
    head = "\n## Of an answer: `POST /api/v1/ask` and `POST /api/v1/conversations/{conversation_id}/messages`\n\n"
    return f"{EVENTS}{jobs}{head}| event | data |\n|---|---|\n{answers}"


def api(document: Mapping[str, Any]) -> str:
    """Every operation, by tag."""
    return API + "".join(_sections(document))


def _sections(document: Mapping[str, Any]) -> Iterator[str]:
    told: dict[str, list[str]] = {}
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            description = " ".join(operation.get("description", "").split()).replace("|", "\\|")
            row = f"| `{verb.upper()} {path}` | {description} | {', '.join(operation['responses'])} |\n"
            told.setdefault((operation.get("tags") or ["other"])[0], []).append(row)
    for tag, rows in sorted(told.items()):
        yield f"\n## {tag}\n\n| operation | what it does | answers |\n|---|---|---|\n" + "".join(rows)
