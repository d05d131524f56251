"""Access lists from sources, removal, schedules and watches."""

import grp
import os
import shutil
from pathlib import Path

import pytest

from appliance.access.web import Databases
from appliance.knowledge import connect
from appliance.knowledge.documents import FORGET_COLLECTION
from appliance.knowledge.forgetting import Forget
from appliance.knowledge.sources import tasks
from appliance.knowledge.sources.watching import Watching
from tests.integration.sources.works import MAKES, Works, rest, write


@pytest.fixture
def source(works: Works, share: Path) -> str:
    write(share / "handbook/leave.md")
    write(share / "handbook/travel/trains.md", "# Trains")
    rest(share)
    return works.add({"kind": "folder", "path": str(share / "handbook")})


def test_who_may_read_comes_from_the_source(works: Works, share: Path) -> None:
    board = works.made("POST", f"/api/v1/tenants/{works.house.one}/groups", {"name": "Board"})["id"]
    write(share / "minutes.md")
    rest(share)
    readers = {"everyone": False, "groups": [board], "users": []}
    source = works.add({"kind": "folder", "path": str(share)}, readers=readers)
    works.run(source)
    assert works.documents()["minutes.md"]["groups"] == [board]
    works.change(source, readers=None)
    assert works.run(source) == {"shared": 1}
    found = works.documents()["minutes.md"]
    assert (found["everyone"], found["inherited"]) == (True, True)
    works.made("PUT", f"/api/v1/documents/{found['id']}/access", {"groups": [board]})
    assert works.run(source) == {"unchanged": 1}
    assert works.documents()["minutes.md"]["groups"] == [board], "what a person said since is left alone"


def test_modes_are_mapped_to_groups(works: Works, share: Path) -> None:
    name = grp.getgrgid(os.getgid()).gr_name
    staff = works.made("POST", f"/api/v1/tenants/{works.house.one}/groups", {"name": "Staff"})["id"]
    modes = {"all.md": 0o644, "group.md": 0o640, "own.md": 0o600, "closed/all.md": 0o644}
    for each, mode in modes.items():
        write(share / each).chmod(mode)
    (share / "closed").chmod(0o700)
    rest(share)
    source = works.add({"kind": "folder", "path": str(share), "modes": True, "groups": {name: "Staff"}})
    assert works.run(source) == {"taken": 4}
    found = {name: (one["everyone"], one["groups"]) for name, one in works.documents().items()}
    assert found == {
        "all.md": (True, []),
        "group.md": (False, [staff]),
        "own.md": (False, []),
        "closed/all.md": (False, []),
    }
    (share / "all.md").chmod(0o600)
    rest(share)
    assert works.run(source) == {"shared": 1, "unchanged": 3}
    assert works.documents()["all.md"]["everyone"] is False


def test_a_source_is_removed_with_its_documents_or_without(works: Works, source: str, share: Path) -> None:
    works.run(source)
    held = works.documents()["leave.md"]["id"]
    works.made("PUT", f"/api/v1/documents/{held}/hold", {"reason": "case 7"})
    job = works.job(works.made("DELETE", f"{MAKES}/{source}")["job"])
    assert job["result"] == {"documents": 1, "held": 1}
    assert set(works.documents()) == {"leave.md"}
    assert works.asked("GET", f"{MAKES}/{source}")[0] == 404
    write(share / "other/a.md")
    rest(share)
    other = works.add({"kind": "folder", "path": str(share / "other")}, "other")
    works.run(other)
    works.job(works.made("DELETE", f"{MAKES}/{other}?keep_documents=true")["job"])
    works.work()
    assert set(works.documents()) == {"leave.md", "a.md"}


def test_a_collection_takes_its_sources_with_it(works: Works, source: str) -> None:

    works.run(source)
    blobs = connect.blobs(works.settings)
    works.runner.registry.add(FORGET_COLLECTION, lambda run: Forget(run, blobs, (tasks.forget_document,)).collection())
    job = works.job(works.made("DELETE", f"/api/v1/collections/{works.collection}")["job"])
    assert job["state"] == "succeeded", job
    assert works.made("GET", MAKES)["items"] == []


def test_a_schedule_and_a_watch_ask_for_syncs(works: Works, share: Path, databases: Databases) -> None:
    write(share / "a.md")
    rest(share)
    watched = works.add({"kind": "folder", "path": str(share)}, "watched")
    quiet = works.add({"kind": "folder", "path": str(share), "watch": False}, "quiet")
    works.add({"kind": "folder", "path": str(share), "watch": False}, "hourly", every_minutes=60)
    watching = Watching(works.settings.sources)

    def swept() -> int:
        with databases.system.session() as session:
            watching(session)
        with databases.system.session() as session:
            return tasks.due(session)

    try:
        assert swept() == 2, "the watched one is looked at when its watch begins, the hourly one when it is made"
        works.work()
        assert works.made("GET", f"{MAKES}/{watched}")["synced_at"] is not None
        assert works.made("GET", f"{MAKES}/{quiet}")["synced_at"] is None
        assert swept() == 0, "reading is no change"
        write(share / "new/deep/b.md")
        assert swept() == 1
        works.work()
        write(share / "new/deep/c.md")
        assert swept() == 1, "a directory that came later is watched too"
        rest(share)
        works.work()
        assert "new/deep/b.md" in works.documents()
    finally:
        watching.close()


def test_a_folder_that_goes_and_comes_back_is_watched_again(works: Works, share: Path, databases: Databases) -> None:
    write(share / "book/a.md")
    rest(share)
    works.add({"kind": "folder", "path": str(share / "book")})
    watching = Watching(works.settings.sources, again=0)

    def swept() -> int:
        with databases.system.session() as session:
            watching(session)
        with databases.system.session() as session:
            return tasks.due(session)

    try:
        assert swept() == 1
        works.work()
        swept()
        works.work()
        shutil.rmtree(share / "book")
        assert swept() == 1, "what went is a change, and stops no other chore of the sweep"
        works.work()
        assert swept() == 0
        write(share / "book/b.md")
        assert swept() == 1
    finally:
        watching.close()
