"""The verbs of sources, over a real socket, with a worker's runner behind them."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.entry import web
from appliance.entry.cli.sources import BadSetting
from appliance.jobs.runner import Runner
from appliance.kit.errors import ApplianceError, NotFound
from appliance.kit.settings import Settings
from tests.factories.cli import Run, document, run
from tests.factories.serving import listening
from tests.integration.sources.works import rest
from tests.integration.web.conftest import House


@pytest.fixture
def cli(configured: Settings, house: House, monkeypatch: pytest.MonkeyPatch, runner: Runner) -> Iterator[Run]:
    """Verbs of the administrator of tenant one, and a worker at work."""
    monkeypatch.setenv("APPLIANCE_KEY", house.admin_of_one)
    done = threading.Event()

    def work() -> None:
        while not done.wait(0.05):
            runner.run_next()

    worker = threading.Thread(target=work)
    with listening(web.server(web.build(configured), configured)) as port:
        monkeypatch.setenv("APPLIANCE_URL", f"http://127.0.0.1:{port}")
        worker.start()
        yield run
        done.set()
        worker.join()


def test_a_source_is_added_tried_synced_changed_and_removed(cli: Run, share: Path) -> None:
    (share / "leave.md").write_text("# Leave\n\n25 days.\n")
    (share / "tool.exe").write_text("MZ")
    rest(share)
    assert "There is no source yet" in cli("sources", "list")[1]
    made = document(cli("sources", "add", "share", "folder", "-c", "book", "-s", f"path={share}", "--json")[1])
    assert (made["settings"]["path"], made["has_secret"], made["every_minutes"]) == (str(share), False, None)
    assert "2 entries" in cli("sources", "test", "share")[1]
    tried = document(cli("sources", "sync", "share", "--dry-run", "--json")[1])
    assert {(line["name"], line["act"]) for line in tried["items"]} == {("leave.md", "taken"), ("tool.exe", "skipped")}
    assert "leave.md" in cli("sources", "sync", "share", "--dry-run")[1]
    assert "Nothing has become" in cli("sources", "log", "share")[1]
    assert cli("sources", "sync", "share") == (0, "share: taken 1, skipped 1.\n")
    told = document(cli("sources", "log", "share", "--act", "skipped", "--json")[1])
    assert [(line["name"], line["reason_code"]) for line in told["items"]] == [("tool.exe", "unsupported")]
    assert "This kind of file is not read." in cli("sources", "log", "share")[1]

    changed = document(cli("sources", "change", "share", "-s", 'exclude=["*.md"]', "--every", "15", "--json")[1])
    assert (changed["settings"]["exclude"], changed["every_minutes"], changed["version"]) == (["*.md"], 15, 2)
    assert document(cli("sources", "change", "share", "--pause", "--json")[1])["state"] == "paused"
    with pytest.raises(ApplianceError, match="paused"):
        cli("sources", "sync", "share")
    cli("sources", "change", "share", "--resume", "--every", "0", "--everyone")
    shown = document(cli("sources", "show", "share", "--json")[1])
    assert (shown["state"], shown["every_minutes"], shown["readers"]["everyone"]) == ("active", None, True)
    assert document(cli("sources", "change", "share", "--inherit", "--json")[1])["readers"] is None
    assert cli("sources", "sync", "share") == (0, "share: skipped 1, deleted 1.\n")
    assert "share" in cli("sources", "list")[1]
    assert document(cli("sources", "remove", "share", "--yes", "--json")[1])["removed"] == "share"
    assert document(cli("sources", "list", "--json")[1]) == {"items": []}


def test_documents_are_pushed(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A\n")
    cli("sources", "add", "wiki", "push", "-c", "wiki", "--secret-stdin", "--nobody", typed="a word\n")
    assert cli("sources", "push", "wiki", tmp_path / "a.md") == (0, "'a.md' is taken.\n")
    assert document(cli("sources", "push", "wiki", tmp_path / "a.md", "--json")[1])["act"] == "unchanged"
    assert cli("sources", "gone", "wiki", "a.md") == (0, "'a.md' is deleted.\n")
    assert document(cli("sources", "show", "wiki", "--json")[1])["has_secret"] is True
    with pytest.raises(ApplianceError, match="push"):
        cli("sources", "sync", "wiki")


def test_what_cannot_be_is_told(cli: Run, share: Path) -> None:
    with pytest.raises(BadSetting):
        cli("sources", "add", "x", "folder", "-c", "book", "-s", "path")
    with pytest.raises(NotFound, match="none yet"):
        cli("sources", "show", "x")
    with pytest.raises(ApplianceError, match="operator allows"):
        cli("sources", "add", "x", "folder", "-c", "book", "-s", "path=/etc")
    cli("sources", "add", "gone", "folder", "-c", "book", "-s", f"path={share}/gone")
    with pytest.raises(ApplianceError, match="cannot be opened"):
        cli("sources", "test", "gone")
    with pytest.raises(ApplianceError, match="cannot be opened"):
        cli("sources", "sync", "gone")
    assert "cannot be opened" in cli("sources", "list")[1]
