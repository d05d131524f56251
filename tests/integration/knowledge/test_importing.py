"""An import that is refused changes nothing, and one that broke off goes on as if it had not."""

import io
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import pytest
from sqlalchemy import text

from appliance.drivers.blobs import BlobTooLarge, DirectoryBlobs, Staged
from appliance.jobs.states import State
from appliance.kit.ids import uuid7
from appliance.knowledge import importing
from appliance.knowledge.errors import CollectionExists, NotACollection
from appliance.knowledge.importing import Shelf
from appliance.knowledge.service import Knowledge
from tests.factories import archives
from tests.factories.quotas import limited
from tests.integration.knowledge.carrying import ask, collections, exported, imported, rows, waiting
from tests.integration.knowledge.office import Office


def test_a_name_that_is_taken_is_refused_before_and_after(office: Office) -> None:
    raw = exported(office)  # of an empty one
    with pytest.raises(CollectionExists):
        ask(office, raw, "handbook")
    job = imported(office, raw)  # its own name, which the job learns
    assert (job.state, job.reason.code if job.reason else "") == (State.FAILED, "collection_exists")
    assert collections(office) == {"handbook"}
    assert not waiting(office)


def test_what_is_no_archive_is_refused_at_the_door_and_a_hostile_one_by_its_job_and_nothing_changes(
    office: Office,
) -> None:
    for raw in (b"", b"%PDF-1.7"):
        with pytest.raises(NotACollection):
            ask(office, raw)
    files, before = office.files(), collections(office)
    held = archives.usual()
    manifest = archives.manifest(held, 2)
    held[f"originals/{archives.digest(archives.PUMP)}"] = archives.PUMP.replace(b"two", b"ten")
    for raw, code in (
        (archives.archive({**archives.usual(), "../x": b"x"}), "archive_hostile"),
        (archives.archive(held, manifest), "archive_damaged"),
    ):
        job = imported(office, raw)
        assert (job.state, job.reason.code if job.reason else "") == (State.FAILED, code)
        assert job.reason is not None
        assert "nothing was changed" in job.reason.advice
    assert (office.files(), collections(office), waiting(office)) == (files, before, [])


def test_an_archive_beyond_the_limit_leaves_nothing(office: Office) -> None:
    small = replace(office.shelf, largest=100)
    with office.databases.app.session(office.me.tenant) as session, pytest.raises(BlobTooLarge):
        importing.ask(session, office.me, io.BytesIO(archives.archive()), None, small)
    assert not waiting(office)


@pytest.mark.parametrize("limits", [{"documents": 1}, {"bytes": 60}])
def test_a_quota_that_has_no_room_for_all_of_it_takes_none_of_it(office: Office, limits: dict[str, int]) -> None:
    limited(office.databases, office.me.tenant, "tenant", None, **limits)
    job = imported(office, archives.archive())
    assert (job.state, job.reason.code if job.reason else "") == (State.FAILED, "no_room_left")
    assert collections(office) == {"handbook"}
    with office.databases.app.session(office.me.tenant) as session:
        assert session.execute(text("select coalesce(sum(documents), 0) from quota_stock_sums")).scalar_one() == 0


class Failing(DirectoryBlobs):
    """A disk that takes one file and then no more, until it is mended."""

    left = 1

    def stage(self, tenant: UUID, source: BinaryIO, limit: int) -> Staged:
        if not self.left:
            raise OSError(28, "No space left on device")
        self.left -= 1
        return super().stage(tenant, source, limit)


def test_who_takes_a_broken_off_job_over_goes_on_and_nothing_is_taken_twice(office: Office) -> None:
    disk = Failing(office.root)
    office.tools = replace(office.tools, blobs=disk)
    job = ask(office, archives.archive(), "hall")
    assert office.runner.run_next() is not None
    assert (office.job(job).state, list(rows(office, job))) == (State.QUEUED, ["pump.txt"])
    assert len(waiting(office)) == 1
    disk.left = 9
    with office.databases.system.session() as session:
        session.execute(text("update jobs set not_before = null where state = 'queued'"))
    office.settle()
    assert office.job(job).state is State.SUCCEEDED
    found = rows(office, job)
    assert {name: (row.state, row.tags) for name, row in found.items()} == {
        "pump.txt": ("ready", ["hall 4"]),
        "valve.txt": ("ready", []),
    }
    with office.databases.app.session(office.me.tenant) as session:
        assert session.execute(text("select count(*) from revisions")).scalar_one() == 2
        counted = text("select documents from quota_stock_sums where subject_id = tenant_id")
        assert session.execute(counted).scalar_one() == 2


def test_what_somebody_changed_or_deleted_between_two_runs_stays_as_they_left_it(office: Office) -> None:
    disk = Failing(office.root)
    office.tools = replace(office.tools, blobs=disk)
    job = ask(office, archives.archive(), "hall", office.me)
    office.runner.run_next()
    disk.left = 9
    office.add("pump.txt", b"The pump is gone.", job)
    with office.databases.system.session() as session:
        session.execute(text("update jobs set not_before = null where state = 'queued'"))
    office.settle()
    assert office.job(job).result["changed_meanwhile"] == 1
    assert office.text(rows(office, job)["pump.txt"].id) == "The pump is gone."


def test_a_collection_that_is_deleted_between_two_runs_does_not_come_back(office: Office) -> None:
    disk = Failing(office.root)
    office.tools = replace(office.tools, blobs=disk)
    job = ask(office, archives.archive(), "hall", office.me)
    office.runner.run_next()
    disk.left = 9
    with office.databases.app.session(office.me.tenant) as session:
        Knowledge(session, office.me).forget_collection(job)
    office.settle()
    with office.databases.system.session() as session:
        session.execute(text("update jobs set not_before = null where state = 'queued'"))
    office.settle()
    ended = office.job(job)
    assert (ended.state, ended.reason.code if ended.reason else "") == (State.FAILED, "collection_not_found")
    assert collections(office) == {"handbook"}


def test_an_archive_that_waited_too_long_is_gone(office: Office) -> None:
    job = ask(office, archives.archive())
    for path in waiting(office):
        path.unlink()
    office.settle()
    ended = office.job(job)
    assert ended.reason is not None
    assert ended.reason.code == "archive_gone"


def test_an_import_leaves_entries_by_ids_and_digests(office: Office) -> None:
    raw = archives.archive()
    job = imported(office, raw, "hall")
    with office.databases.operator.session() as session:
        query = text("select action, object, after from audit_entries where tenant_id = :id order by id")
        entries = [tuple(row) for row in session.execute(query, {"id": office.me.tenant})]
    assert ("collection.import", str(job.id), archives.digest(raw)) in entries
    assert ("collection.create", str(job.id), None) in entries
    made = [entry for entry in entries if entry[0] == "document.create"]
    assert {entry[2] for entry in made} == {archives.digest(archives.PUMP), archives.digest(archives.VALVE)}


def test_a_shelf_keeps_what_it_holds_to_this_user(tmp_path: Path) -> None:
    shelf, tenant, name = Shelf(tmp_path / "exports", 1000, 10), uuid7(), uuid7()
    shelf.keep(tenant, name, io.BytesIO(b"PK..."))
    place = shelf.place(tenant, name)
    assert (place.stat().st_mode & 0o777, place.parent.stat().st_mode & 0o777) == (0o600, 0o700)
