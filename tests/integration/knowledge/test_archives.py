"""A collection exported and imported: the same documents, tags, readings and readers, in whichever tenant."""

import io
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest
from sqlalchemy import select, text

from appliance.access.principal import Role
from appliance.access.web import Databases
from appliance.drivers.blobs import BlobMissing
from appliance.jobs.states import State
from appliance.knowledge import lists
from appliance.knowledge.batches import Batches
from appliance.knowledge.errors import CollectionNotFound, NotAllYours
from appliance.knowledge.exporting import Exporting
from appliance.knowledge.parsing.host import ParserHost
from appliance.knowledge.reading import Reading
from appliance.knowledge.rereading import Rereading
from appliance.knowledge.tables import CollectionRow, RevisionRow
from appliance.knowledge.tagging import Tagging
from tests.factories import archives
from tests.integration.knowledge.carrying import admin, exported, group, imported, rows, told, user, waiting
from tests.integration.knowledge.office import Office, member

PUMP, VALVE, LEAVE = (
    "The pump is mounted with two straps.",
    "The valve is open on Mondays.",
    "Leave is asked for in writing.",
)


@pytest.fixture
def there(databases: Databases, tmp_path: Path, parser: ParserHost) -> Office:
    """Another tenant, with files of its own, as on another appliance."""
    return Office(databases, tmp_path / "there" / "blobs", parser)


@pytest.fixture
def filled(office: Office) -> Office:
    """Three documents: one of the board and Ann, one with tags, one read in a way of its own; and a list of all."""
    board, staff, ann = group(office, "Board"), group(office, "Staff"), user(office, "ann")
    mine = f"user:{office.me.user}"
    with office.databases.app.session(office.me.tenant) as session:
        lists.set_collection(session, office.collection, [f"group:{staff}", mine])
        Rereading(session, office.me).change(office.collection, Reading("never", 64))
    pump, valve = office.ready("pump.txt", PUMP).id, office.ready("valve.txt", VALVE).id
    leave = office.ready("leave.txt", LEAVE).id
    with office.databases.app.session(office.me.tenant) as session:
        lists.set_document(session, pump, sorted([f"group:{board}", f"user:{ann}", mine]))
        Tagging(session, office.me).set(valve, ["Hall 4", "steam"])
        Rereading(session, office.me).document(leave, Reading("always", 300))
    office.settle()
    return office


def test_an_export_tells_all_of_a_collection_and_each_file_by_its_digest(filled: Office) -> None:
    raw = exported(filled, texts=True)
    manifest, lines, names = told(raw)
    assert manifest["documents"] == 3
    assert manifest["collection"] == {
        "name": "handbook",
        "reading": {"recognition": "never", "chunk_tokens": 64},
        "access": {"everyone": False, "groups": ["Staff"], "users": []},
        "retention": None,
    }
    assert lines["pump.txt"]["access"] == {"everyone": False, "groups": ["Board"], "users": ["ann"]}
    assert lines["valve.txt"]["access"] is None
    assert lines["valve.txt"]["tags"] == ["hall 4", "steam"]
    assert lines["leave.txt"]["reading"] == {"recognition": "always", "chunk_tokens": 300}
    assert lines["valve.txt"]["media_type"] == "text/plain"
    with ZipFile(io.BytesIO(raw)) as archive:
        for each in manifest["files"]:
            assert archives.digest(archive.read(each["name"])) == each["sha256"]
        assert archive.read(f"originals/{lines['pump.txt']['sha256']}").decode() == PUMP
        assert archive.read(lines["valve.txt"]["text"]).decode() == VALVE
    assert names == {"manifest.json", *(each["name"] for each in manifest["files"])}
    assert not any(name.startswith("texts/") for name in told(exported(filled))[2])


def test_only_who_may_read_all_of_it_exports_and_lists_only_who_manages_access(filled: Office) -> None:
    stranger = member(filled.me.tenant)
    with pytest.raises(CollectionNotFound):
        exported(filled, stranger)
    with pytest.raises(NotAllYours):
        exported(filled, replace(stranger, role=Role.TENANT_ADMIN))  # who may manage all, and read nothing by that
    manifest, lines, _ = told(exported(filled, filled.me))
    assert manifest["collection"]["access"] is None
    assert {one["access"] for one in lines.values()} == {None}
    with filled.databases.operator.session() as session:
        query = text("select action, object, details from audit_entries order by id desc limit 1")
        action, subject, details = session.execute(query).one()
    assert (action, subject) == ("collection.export", str(filled.collection))
    assert details == {"documents": 3, "texts": False, "access": False}


def test_who_loses_a_document_while_it_is_sent_does_not_get_it(filled: Office) -> None:
    exporting = Exporting(filled.me, texts=False)
    with filled.databases.app.session(filled.me.tenant) as session:
        head = exporting.begin(session, filled.collection)
    pieces = exporting.archive(filled.databases.app, filled.blobs, head)
    with filled.databases.app.session(filled.me.tenant) as session:
        lists.set_document(session, next(iter(rows(filled, filled.collection).values())).id, [])
    with pytest.raises(NotAllYours):
        b"".join(pieces)


def test_an_original_that_is_lost_is_told_and_one_that_is_another_breaks_the_export_off(filled: Office) -> None:
    _, lines, _ = told(exported(filled))
    lost, other = lines["valve.txt"]["sha256"], lines["leave.txt"]["sha256"]
    filled.blobs.delete(filled.me.tenant, lost)
    raw = exported(filled)
    assert told(raw)[1]["valve.txt"]["missing"] is True
    assert imported(filled, raw, "again").result["missing"] == ["valve.txt"]
    with filled.blobs.local(filled.me.tenant, other) as path:
        path.write_bytes(b"other")
    with pytest.raises(BlobMissing, match="other bytes"):
        exported(filled)


def test_into_another_tenant_it_comes_with_tags_readings_and_those_readers_who_are_there(
    filled: Office, there: Office
) -> None:
    board, ann = group(there, "Board"), user(there, "ann of there")
    job = imported(there, exported(filled), "from north")
    assert job.state is State.SUCCEEDED, job.reason
    assert job.result == {
        "collection": str(job.id),
        "name": "from north",
        "documents": 3,
        "changed_meanwhile": 0,
        "missing": [],
        "access": "as exported",
        "retention": "none",
        "glossary_differs": [],
        "unknown_groups": ["Staff"],
        "unknown_users": ["ann"],
    }
    found = rows(there, job.id)
    assert {name: row.state for name, row in found.items()} == dict.fromkeys(
        ("pump.txt", "valve.txt", "leave.txt"), "ready"
    )
    assert (found["pump.txt"].readers, found["valve.txt"].readers) == ([f"group:{board}"], [])
    assert (found["valve.txt"].own_readers, found["valve.txt"].tags) == (None, ["hall 4", "steam"])
    with there.databases.app.session(there.me.tenant) as session:
        reading = {one.document_id: one.reading for one in session.scalars(select(RevisionRow))}
        collection = session.get_one(CollectionRow, job.id)
        batch = Batches(session, admin(there)).one(job.id)
    assert reading[found["leave.txt"].id] == {"recognition": "always", "chunk_tokens": 300}
    assert reading[found["valve.txt"].id] == collection.reading == {"recognition": "never", "chunk_tokens": 64}
    assert (batch.kind, batch.total, batch.left, batch.ended_at is None) == ("import", 0, 0, False), (
        "as many as one reads"
    )
    director = member(there.me.tenant, board)
    assert [one.name for one in there.retrieval.find(director, "pump straps").passages] == ["pump.txt"]
    assert not there.retrieval.find(member(there.me.tenant), "pump valve leave").passages
    assert str(ann) not in str([row.readers for row in found.values()])
    assert not waiting(there)


def test_who_may_not_manage_access_and_an_archive_without_lists_give_it_to_the_importer_alone(
    filled: Office, there: Office
) -> None:
    for number, (raw, who) in enumerate([(exported(filled), there.me), (exported(filled, filled.me), admin(there))]):
        job = imported(there, raw, f"{number}", who)
        assert job.result["access"] == "importer"
        assert {tuple(row.readers) for row in rows(there, job.id).values()} == {(f"user:{there.me.user}",)}
    assert there.names("pump straps")[0] == "pump.txt"
    assert not there.retrieval.find(member(there.me.tenant), "pump straps").passages
