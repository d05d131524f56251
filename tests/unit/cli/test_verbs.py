"""The small decisions of the verbs, apart from any appliance."""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from rich.console import Console

from appliance.entry.cli import answers, doctor, documents, ingest, jobs, local, sign_in
from appliance.entry.cli.answers import Unfinished
from appliance.entry.cli.client import Refusal
from appliance.entry.cli.events import Event
from appliance.entry.cli.finding import NoApplianceKnown
from appliance.entry.up_record import PartRecord, Record
from appliance.kit.confine import Offered
from appliance.kit.errors import NotFound
from appliance.kit.layout import Layout
from tests.factories.cli import run


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (
            Event("1", "progress", {"stage": "encode", "done": 3, "total": 9, "at": "2026-11-22T05:06:07Z"}),
            "encode 3/9",
        ),
        (Event("1", "progress", {"stage": None, "done": 3, "total": None}), "3"),
        (Event("2", "log", {"message": "12 chunks"}), "12 chunks"),
        (Event("3", "state", {"state": "running"}), "state running"),
    ],
)
def test_an_event_of_a_job_is_a_line(event: Event, told: str) -> None:
    assert jobs.line(event).endswith(f"  {told}")


def test_progress_of_which_nothing_is_known_says_nothing() -> None:
    assert jobs.progress({}) == ""


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        ({"name": "a.md", "state": "ready", "chunks": 3}, "✓ a.md: 3 chunks"),
        ({"name": "a.md", "state": "ready", "chunks": 1}, "✓ a.md: 1 chunk"),
        ({"name": "a.md", "state": "unchanged"}, "= a.md: unchanged"),
        ({"name": "a.md", "state": "failed", "reason": "It is empty."}, "✗ a.md: It is empty."),
    ],
)
def test_the_result_of_a_file_is_a_line(outcome: dict[str, Any], told: str) -> None:
    assert ingest.line(outcome) == told


@pytest.mark.parametrize(
    ("line", "process", "told"),
    [
        (
            '{"event": "request", "level": "info", "timestamp": "2026-11-22T05:06:07.1Z", "status": 200}',
            "web",
            "web       2026-11-22 05:06:07 info     request  status=200",
        ),
        ("LOG:  database system is ready", "", "LOG:  database system is ready"),
        ('["not an event"]', "", '["not an event"]'),
    ],
)
def test_a_log_line_is_told_flat(line: str, process: str, told: str) -> None:
    assert local.log_line(line, process) == told


def test_the_models_of_the_set_up_are_taken_unless_another_store_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("APPLIANCE_MODELS", raising=False)
    data, store = tmp_path / "data", tmp_path / "store"
    assert local.store_of_set_up(data, store) is None
    store.mkdir()
    assert local.store_of_set_up(data, store) == store
    data.mkdir()
    (data / "appliance.toml").write_text('log_level = "DEBUG"\n')
    assert local.store_of_set_up(data, store) == store
    (data / "appliance.toml").write_text('models = "/srv/models"\n')
    assert local.store_of_set_up(data, store) is None
    (data / "appliance.toml").unlink()
    (data / "models").mkdir()
    assert local.store_of_set_up(data, store) is None


def test_the_meant_data_directory_is_told_to_what_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLIANCE_DATA", "elsewhere")
    assert local.of(tmp_path).data == tmp_path
    assert os.environ["APPLIANCE_DATA"] == str(tmp_path)


def test_the_parts_of_a_record_are_documents() -> None:
    record = Record(1, 2, "http://127.0.0.1:1", "0.1.0", "up", {"web": PartRecord("ready", "", 7, 1)})
    assert local.parts(record) == [{"name": "web", "state": "ready", "detail": "", "pid": 7, "restarts": 1}]


def test_several_processes_cannot_be_followed_at_once() -> None:
    with pytest.raises(typer.BadParameter, match="one process"):
        local._followed([Path("a.log"), Path("b.log")], lambda *_: iter(()))


@pytest.mark.parametrize(
    ("name", "token", "given", "sent"),
    [
        ("ann", None, "secret words", {"login": "ann", "password": "secret words"}),
        (None, "once", "a new password", {"token": "once", "password": "a new password"}),
        (None, "once", "", {"token": "once"}),
        (None, "once", None, {"token": "once"}),
    ],
)
def test_what_was_given_is_sent_and_nothing_is_asked_for(
    name: str | None, token: str | None, given: str | None, sent: dict[str, str]
) -> None:
    assert sign_in.credentials(name, token, given, may_ask=False) == sent


def _events(*kinds: tuple[str, dict[str, Any]]) -> list[Event]:
    return [Event(str(number), kind, data) for number, (kind, data) in enumerate(kinds)]


@pytest.mark.parametrize("terminal", [True, False])
def test_a_replaced_answer_is_the_one_that_stays(terminal: bool) -> None:
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=terminal, width=100, highlight=False)
    done = {"mode": "quoted", "answer": "25 days.", "sentences": []}
    events = _events(
        ("status", {"stage": "searching"}),
        ("delta", {"text": "30 "}),
        ("delta", {"text": "days"}),
        ("sentence", {"index": 0}),
        ("replaced", {"mode": "quoted", "answer": "25 days."}),
        ("done", done),
    )
    assert answers.shown(events, console) == done
    assert shown.getvalue().rstrip().endswith("25 days.")
    assert ("30 days" in shown.getvalue()) is terminal


def test_an_answer_that_breaks_off_is_told() -> None:
    with pytest.raises(Unfinished):
        answers.shown(_events(("delta", {"text": "30 "})), Console(file=io.StringIO()))


def test_a_refusal_is_the_document_as_it_came() -> None:
    problem = {"status": 422, "code": "refused", "detail": "the name is taken", "advice": "Choose another."}
    assert Refusal(httpx.Response(422, json=problem)).problem() == problem


@pytest.mark.parametrize("body", [b"<html>", b"[]", b""])
def test_a_refusal_without_a_problem_document_still_says_what_to_do(body: bytes) -> None:
    told = Refusal(httpx.Response(502, content=body)).problem()
    assert (told["status"], told["code"]) == (502, "http_502")
    assert "502" in str(told["detail"])
    assert "logs" in str(told["advice"])


def test_ids_are_told_from_names() -> None:
    assert documents._is_id("01a20198-349f-71b6-b0a9-6ae2eeb2dcad")
    assert not documents._is_id("Leave.pdf")


def test_a_login_needs_an_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("APPLIANCE_DATA", "APPLIANCE_URL", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(NoApplianceKnown):
        run("login", "--token", "once")


def test_what_cannot_be_asked_is_a_finding_too() -> None:
    def refuse() -> Iterator[doctor.Finding]:
        raise NotFound("there are no models here")

    (found,) = doctor._asked("models", refuse)
    assert (found.name, found.state) == ("models", "failed")


def test_the_doctor_looks_at_the_machine_and_at_who_may_read_the_secrets(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.secrets.mkdir(mode=0o755)
    layout.run.mkdir(mode=0o700)
    found = {each.name: each for each in [*doctor.machine(layout), *doctor.private(layout)]}
    assert found.keys() == {"memory", "disk", "tcmalloc", "compiler", "walls", "secrets", "run"}
    assert (found["secrets"].state, found["run"].state) == ("failed", "ok")
    assert "chmod 700" in found["secrets"].advice


@pytest.mark.parametrize(
    ("has", "state", "told"),
    [
        (Offered(7, calls=True), "ok", "Landlock 7, seccomp"),
        (Offered(0, calls=True), "warning", "could read what its user may read"),
        (Offered(1, calls=True), "warning", "does not know of the network"),
        (Offered(7, calls=False), "warning", "could start processes"),
    ],
)
def test_the_doctor_says_which_walls_the_kernel_does_not_offer(has: Offered, state: str, told: str) -> None:
    found = doctor.walls(has)
    assert found.state == state
    assert told in doctor.line(found)


@pytest.mark.parametrize(("has", "state"), [(10, "ok"), (5, "failed")])
def test_too_little_of_something_is_a_failure(has: int, state: str) -> None:
    assert doctor._enough("memory", has, 10, "Close something.").state == state


@pytest.mark.parametrize(
    ("finding", "told"),
    [
        (doctor.Finding("index", "ok", "ready"), "✓ index: ready"),
        (doctor.Finding("index", "failed", "it is down.", "See its log."), "✗ index: it is down. See its log."),
    ],
)
def test_a_finding_is_a_line(finding: doctor.Finding, told: str) -> None:
    assert doctor.line(finding) == told


@pytest.mark.parametrize(("there", "state"), [(True, "ok"), (False, "warning")])
def test_what_only_makes_things_faster_is_a_warning(there: bool, state: str) -> None:
    assert doctor._wanted("tcmalloc", there, "Install it.").state == state
