"""The committed reference says what the code says."""

from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from typer.main import get_command

from appliance.entry import reference
from appliance.entry import reference_pages as pages
from appliance.entry.cli.main import app as command_line
from appliance.entry.web import UNAUTHENTICATED, describe
from appliance.jobs.job import EventKind
from appliance.kit.errors import ApplianceError

FILES = reference.files()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_committed_reference_is_fresh(path: Path) -> None:
    assert path.read_text() == FILES[path], "run: python -m appliance.entry.reference"


def test_every_setting_says_what_it_is_for() -> None:
    bare = [line for line in reference.settings().splitlines() if line.startswith("| `") and line.endswith("|  |")]
    assert bare == []


def test_every_operation_is_described() -> None:
    paths = reference.description()["paths"]
    bare = [(path, verb) for path, verbs in paths.items() for verb, op in verbs.items() if not op.get("description")]
    assert bare == []


def test_open_routes_are_real_routes() -> None:
    routes = {getattr(route, "path", "") for route in describe().routes}
    assert routes >= UNAUTHENTICATED


def _page(name: str) -> str:
    return FILES[reference.DOCS / "reference" / name]


def test_no_route_is_missing() -> None:
    page = _page("api.md")
    for route in describe().routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for verb in route.methods:
                assert f"`{verb} {route.path}`" in page


def _below(kind: type[ApplianceError]) -> set[type[ApplianceError]]:
    return {kind}.union(*(_below(each) for each in kind.__subclasses__()))


def test_no_error_code_is_missing() -> None:
    page = _page("errors.md")
    ours = [kind for kind in _below(ApplianceError) if kind.__module__.startswith("appliance.")]
    assert len(ours) > 50
    for kind in ours:
        assert f"| {kind.status} | `{kind.code}` |" in page, kind


def test_an_error_code_means_one_status() -> None:
    statuses: dict[str, set[int]] = {}
    for failure in pages.failures():
        statuses.setdefault(failure.code, set()).add(failure.status)
    assert {code: each for code, each in statuses.items() if len(each) > 1} == {}


def test_no_event_is_missing() -> None:
    page = _page("events.md")
    told = pages.answer_events()
    assert told >= {"status", "delta", "replaced", "done"}
    for name in (*EventKind, *told):
        assert f"| `{name}` |" in page


def _verbs(command: object, path: str = "appliance") -> list[str]:
    inner = getattr(command, "commands", None)
    return [verb for name, each in inner.items() for verb in _verbs(each, f"{path} {name}")] if inner else [path]


def test_no_verb_is_missing() -> None:
    page = _page("command-line.md")
    verbs = _verbs(get_command(command_line))
    assert len(verbs) > 40
    assert [verb for verb in verbs if f"## {verb}\n" not in page] == []
