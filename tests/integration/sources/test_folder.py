"""A folder as a source: what is taken, what is not and why, and that nothing outside of it is ever read."""

import os
from pathlib import Path

import pytest
from sqlalchemy import text

from appliance.access.web import Databases
from tests.integration.sources.works import MAKES, Works, rest, write


@pytest.fixture
def source(works: Works, share: Path) -> str:
    write(share / "handbook/leave.md")
    write(share / "handbook/travel/trains.md", "# Trains\n\nSecond class.\n")
    rest(share)
    return works.add({"kind": "folder", "path": str(share / "handbook")})


def test_new_changed_and_gone_files_are_followed(works: Works, source: str, share: Path) -> None:
    book = share / "handbook"
    assert works.tried(source) == {("leave.md", "taken", None), ("travel/trains.md", "taken", None)}
    assert works.documents() == {}, "a dry run changes nothing"
    assert works.log(source) == set(), "and stands in no log but its own"

    assert works.run(source) == {"taken": 2}
    first = works.documents()
    assert set(first) == {"leave.md", "travel/trains.md"}
    assert works.run(source) == {"unchanged": 2}, "an item whose token is the same is not fetched"

    os.utime(book / "leave.md")
    rest(share)
    assert works.run(source) == {"unchanged": 2}, "the same bytes are no new revision, whatever the time says"

    write(book / "leave.md", "# Leave\n\nEveryone has 30 days.\n")
    (book / "travel/trains.md").rename(book / "travel/railways.md")
    rest(share)
    assert works.tried(source) == {
        ("leave.md", "updated", None),
        ("travel/railways.md", "taken", None),
        ("travel/trains.md", "deleted", "gone"),
    }
    assert works.run(source) == {"updated": 1, "taken": 1, "deleted": 1}
    now = works.documents()
    assert set(now) == {"leave.md", "travel/railways.md"}
    assert now["leave.md"]["id"] == first["leave.md"]["id"], "a new revision of the same document"

    works.work()
    items = works.made("GET", f"{MAKES}/{source}/log")["items"]
    assert [(line["name"], line["act"]) for line in items][:1] == [(None, "deleted")], "its name is forgotten too"
    assert ("leave.md", "updated", None) in works.log(source)


def test_a_file_that_is_still_written_is_left_until_it_rests(works: Works, source: str, share: Path) -> None:
    works.run(source)
    write(share / "handbook/growing.md", "# Half")
    assert works.run(source) == {"unchanged": 2, "waiting": 1}
    shown = works.made("GET", f"{MAKES}/{source}")
    assert shown["due_at"] is not None, "and it is looked at again soon"
    rest(share)
    assert works.run(source) == {"unchanged": 2, "taken": 1}


def test_what_is_not_taken_is_told_once_with_its_reason(works: Works, source: str, share: Path) -> None:
    book, secret = share / "handbook", share.parent / "secret.md"
    write(secret, "# Salaries\n")
    write(share / "beside.md", "# Beside\n")
    (book / "out.md").symlink_to(secret)
    (book / "beside.md").symlink_to(share / "beside.md")
    (book / "again.md").symlink_to(book / "leave.md")
    (book / "dangling.md").symlink_to("nowhere.md")
    (book / "up").symlink_to(share.parent, target_is_directory=True)
    os.mkfifo(book / "pipe.md")
    write(book / "tool.exe", "MZ")
    write(book / ".hidden.md")
    write(book / "~$leave.docx", "x")
    write(book / "empty.md", "")
    rest(share)
    told = {
        ("out.md", "skipped", "leaves_root"),
        ("beside.md", "skipped", "leaves_root"),
        ("dangling.md", "skipped", "leaves_root"),
        ("again.md", "skipped", "link"),
        ("pipe.md", "skipped", "no_file"),
        ("tool.exe", "skipped", "unsupported"),
        (".hidden.md", "skipped", "hidden"),
        ("~$leave.docx", "skipped", "hidden"),
        ("empty.md", "skipped", "empty_file"),
    }
    assert works.run(source) == {"taken": 2, "skipped": len(told)}
    assert works.log(source, act="skipped") == told
    assert set(works.documents()) == {"leave.md", "travel/trains.md"}
    assert works.run(source) == {"unchanged": 2, "skipped": len(told)}
    lines = works.made("GET", f"{MAKES}/{source}/log?limit=200&act=skipped")["items"]
    assert len(lines) == len(told), "what is known already is not told anew at every run"


def test_a_link_put_in_place_of_a_file_leads_nowhere(works: Works, source: str, share: Path) -> None:
    works.run(source)
    secret = write(share.parent / "secret.md", "# Salaries\n")
    (share / "handbook/leave.md").unlink()
    (share / "handbook/leave.md").symlink_to(secret)
    (share / "handbook/travel/trains.md").unlink()
    (share / "handbook/travel").rmdir()
    (share / "handbook/travel").symlink_to(share.parent, target_is_directory=True)
    assert works.run(source) == {"deleted": 2}
    assert works.documents() == {}


@pytest.mark.parametrize("path", ["/etc", "/", "{share}/../", "{share}x", "relative", "{share}/a/../../.."])
def test_a_folder_that_is_not_allowed_is_refused(works: Works, share: Path, path: str) -> None:
    body = {"name": "x", "collection_id": works.collection, "settings": {"kind": "folder", "path": path}}
    body["settings"]["path"] = path.format(share=share)
    status, told = works.asked("POST", MAKES, body)
    assert status == 422, told


def test_a_folder_of_one_tenant_is_not_anothers(works: Works, share: Path) -> None:
    other = works.house.bearer(works.house.admin_of_two)
    made = works.client.post("/api/v1/collections", json={"name": "theirs"}, headers=other).json()
    body = {"name": "x", "collection_id": made["id"], "settings": {"kind": "folder", "path": str(share)}}
    told = works.client.post(MAKES, json=body, headers=other)
    assert (told.status_code, told.json()["code"]) == (422, "folder_not_allowed")


def test_a_part_of_the_way_that_is_a_link_is_not_followed(works: Works, share: Path) -> None:
    write(share.parent / "elsewhere/secret.md")
    (share / "door").symlink_to(share.parent / "elsewhere", target_is_directory=True)
    source = works.add({"kind": "folder", "path": str(share / "door")})
    assert works.failed(source) == "source_unreachable"
    assert works.made("GET", f"{MAKES}/{source}")["reason_code"] == "source_unreachable"
    assert works.asked("POST", f"{MAKES}/{source}/test")[0] == 409


def test_an_empty_folder_deletes_nothing_that_was_there(works: Works, source: str, share: Path) -> None:
    """A share that is not mounted looks like an empty folder."""
    works.run(source)
    away = share.parent / "away"
    (share / "handbook").rename(away)
    (share / "handbook").mkdir()
    assert works.failed(source) == "nothing_found"
    assert len(works.documents()) == 2
    (share / "handbook").rmdir()
    away.rename(share / "handbook")
    assert works.run(source) == {"unchanged": 2}
    assert works.made("GET", f"{MAKES}/{source}")["reason_code"] is None


def test_what_was_deleted_here_by_hand_does_not_come_back(
    works: Works, source: str, share: Path, databases: Databases
) -> None:
    works.run(source)
    document = works.documents()["leave.md"]["id"]
    works.made("DELETE", f"/api/v1/documents/{document}")
    works.work()
    write(share / "handbook/leave.md", "# Leave\n\nNew.\n")
    rest(share)
    assert works.run(source) == {"skipped": 1, "unchanged": 1}
    assert set(works.documents()) == {"travel/trains.md"}
    with databases.app.session(works.house.one) as session:
        rows = session.execute(
            text("select external, token, sha256, document_id from source_items where state = 'forgotten'")
        )
        assert [tuple(row) for row in rows] == [(None, None, None, None)], "its name is forgotten too"
        names = session.execute(text("select count(*) from source_log where name = 'leave.md'")).scalar_one()
        assert names == 0


def test_a_held_document_stays_though_the_file_is_gone(works: Works, source: str, share: Path) -> None:
    works.run(source)
    document = works.documents()["leave.md"]["id"]
    works.made("PUT", f"/api/v1/documents/{document}/hold", {"reason": "case 7"})
    (share / "handbook/leave.md").unlink()
    assert works.run(source) == {"held": 1, "unchanged": 1}
    assert works.run(source) == {"held": 1, "unchanged": 1}
    assert works.documents()["leave.md"]["state"] != "deleting"
    assert works.log(source, act="held") == {("leave.md", "held", "under_hold")}
    works.made("DELETE", f"/api/v1/documents/{document}/hold")
    assert works.run(source) == {"deleted": 1, "unchanged": 1}


def test_patterns_decide_and_what_they_leave_out_later_goes(works: Works, source: str, share: Path) -> None:
    works.run(source)
    works.change(source, settings={"kind": "folder", "path": str(share / "handbook"), "exclude": ["travel/*"]})
    assert works.run(source) == {"deleted": 1, "unchanged": 1}
    assert set(works.documents()) == {"leave.md"}


def test_a_name_that_somebody_uploaded_before_is_left_alone(works: Works, source: str) -> None:
    files = {"file": ("leave.md", b"# Ours\n")}
    path = f"/api/v1/collections/{works.collection}/documents"
    sent = works.client.post(path, files=files, headers=works.admin)
    assert sent.status_code == 202
    assert works.run(source) == {"failed": 1, "taken": 1}
    assert ("leave.md", "failed", "not_its_own") in works.log(source)
