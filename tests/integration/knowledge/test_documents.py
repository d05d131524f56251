"""Collections and documents: made, listed, tried again, and forgotten everywhere."""

import threading
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select, text

from appliance.access.principal import TenantId
from appliance.access.web import Databases
from appliance.drivers.blobs import BlobMissing
from appliance.kit.ids import uuid7
from appliance.knowledge.errors import (
    BadName,
    CollectionExists,
    CollectionNotFound,
    DocumentBusy,
    DocumentNotFound,
    EmptyUpload,
    NoText,
    NothingToRetry,
)
from appliance.knowledge.parsing.host import ParserHost
from appliance.knowledge.service import Knowledge
from appliance.knowledge.tables import ChunkRow, DocumentRow, IndexOutboxRow, RevisionRow
from tests.integration.knowledge.office import Office, member

LEAVE = "# Leave\n\nEveryone has 25 days of leave a year.\n"


def test_a_collection_has_a_name_of_its_own_and_counts_its_documents(office: Office) -> None:
    office.ready("leave.md", LEAVE)
    office.add("broken.pdf", b"%PDF-1.7 no")
    office.settle()
    with office.databases.app.session(office.me.tenant) as session:
        knowledge = Knowledge(session, office.me)
        assert knowledge.collection(office.collection).documents == {"ready": 1, "failed": 1}
        with pytest.raises(CollectionExists):
            knowledge.create("handbook")
        with pytest.raises(CollectionNotFound):
            knowledge.collection(uuid7())


NAMES = ["", "   ", "a" * 256, "a\nb", "a\x00", "\u202egnp.exe", "\u2028"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_cannot_be_shown_is_refused(office: Office, name: str) -> None:
    with pytest.raises(BadName):
        office.create(name)
    with pytest.raises(BadName):
        office.add(name, b"text")
    assert office.files() == set()


def test_lists_are_paged_without_gaps_and_filtered(office: Office) -> None:
    for number in range(5):
        office.add(f"{number}.txt", f"text {number}".encode())
    other = office.create("other")
    office.ready("ready.txt", "text", other)
    with office.databases.app.session(office.me.tenant) as session:
        knowledge = Knowledge(session, office.me)
        names: list[str] = []
        cursor = None
        while True:
            page = knowledge.documents(cursor, 2, office.collection)
            names += [document.name for document in page.items]
            if (cursor := page.next_cursor) is None:
                break
        assert names == [f"{number}.txt" for number in range(5)]
        assert [document.name for document in knowledge.documents(None, 50, other, "ready").items] == ["ready.txt"]
        assert [one.name for one in knowledge.collections(None, 1).items] == ["handbook"]
        assert [one.name for one in knowledge.collections(None, 9, "other").items] == ["other"]
        first = knowledge.collections(None, 1)
        assert [one.name for one in knowledge.collections(first.next_cursor, 9).items] == ["other"]
        with pytest.raises(CollectionNotFound):
            knowledge.documents(None, 50, uuid7())


def test_an_empty_upload_is_refused_and_leaves_nothing(office: Office) -> None:
    with pytest.raises(EmptyUpload):
        office.add("empty.md", b"")
    assert office.files() == set()


def test_the_text_of_a_document_is_there_once_it_is_served(office: Office) -> None:
    added = office.add("leave.md", LEAVE.encode())
    with office.databases.app.session(office.me.tenant) as session:
        with pytest.raises(NoText):
            Knowledge(session, office.me).text(added.document.id)
        with pytest.raises(DocumentNotFound):
            Knowledge(session, office.me).text(uuid7())
    office.settle()
    with office.databases.app.session(office.me.tenant) as session:
        found = Knowledge(session, office.me).text(added.document.id)
    assert (found.text, found.title) == (LEAVE, "Leave")


def test_only_what_failed_is_tried_again(office: Office) -> None:
    good = office.ready("leave.md", LEAVE)
    with pytest.raises(NothingToRetry):
        office.retry(good.id)
    bad = office.add("broken.pdf", b"%PDF-1.7 no").document
    office.settle()
    again = office.retry(bad.id)
    assert again.document.state == "queued"
    office.settle()
    assert office.document(bad.id).state == "failed"
    reupload = office.add("broken.pdf", b"%PDF-1.7 no")
    assert (reupload.unchanged, reupload.job is None) == (True, False)
    with pytest.raises(DocumentNotFound):
        office.retry(uuid7())


def everything(office: Office) -> list[int]:
    """How many rows of each kind the tenant has."""
    with office.databases.app.session(office.me.tenant) as session:
        tables = (DocumentRow, RevisionRow, ChunkRow)
        return [len(session.execute(select(table.id)).all()) for table in tables]


def test_a_deleted_document_is_forgotten_everywhere(databases: Databases, tmp_path: Path, parser: ParserHost) -> None:
    told: list[UUID] = []
    office = Office(
        databases, tmp_path / "blobs", parser, forgetters=(lambda _session, _tenant, document: told.append(document),)
    )
    document = office.ready("leave.md", LEAVE)
    office.add("leave.md", b"# Another\n\ntext")  # a second revision, not served yet
    job = office.forget(document.id)
    assert office.document(document.id).state == "deleting"
    with pytest.raises(DocumentBusy):
        office.add("leave.md", LEAVE.encode())
    assert office.forget(document.id) == job
    office.settle()
    assert everything(office) == [0, 0, 0]
    assert office.points() == office.files() == set()
    assert office.statistics() == (0, {})
    assert told == [document.id]
    assert office.job(job).result == {"documents": 1}
    with pytest.raises(DocumentNotFound):
        office.document(document.id)
    assert office.ready("leave.md", LEAVE).id != document.id


def test_content_that_another_document_has_is_kept(office: Office) -> None:
    first, second = office.ready("a.md", LEAVE), office.ready("b.md", LEAVE)
    office.forget(first.id)
    office.settle()
    assert len(office.files()) == 1
    office.forget(second.id)
    office.settle()
    assert office.files() == set()


def test_content_uploaded_again_while_it_is_deleted_is_there(office: Office) -> None:
    """The deletion of the file waits for the upload that holds the content's lock, and then finds it in use."""
    first = office.ready("a.md", LEAVE)
    office.forget(first.id)
    deletion = threading.Thread(target=office.work)
    with office.databases.app.session(office.me.tenant) as session:
        with (office.root.parent / "again").open("w+b") as file:
            file.write(LEAVE.encode())
            file.seek(0)
            staged = office.blobs.stage(office.me.tenant, file, 1000)
        Knowledge(session, office.me).add(office.collection, "b.md", staged, office.blobs)
        deletion.start()
        deletion.join(0.5)
        assert deletion.is_alive()
    deletion.join(20)
    office.settle()
    assert len(office.files()) == 1
    assert office.names("days of leave") == ["b.md"]


class Killed(BaseException):
    """The process dies here."""


def test_a_deletion_killed_between_its_steps_goes_on(office: Office) -> None:
    document = office.ready("leave.md", LEAVE)
    office.forget(document.id)
    real = office.blobs.delete

    def die(tenant: UUID, sha256: str) -> None:
        office.blobs.delete = real  # type: ignore[method-assign] # it dies this once
        raise Killed

    office.blobs.delete = die  # type: ignore[method-assign] # it dies this once
    with pytest.raises(Killed):
        office.work()
    assert office.chunks() == set()
    with office.databases.system.session() as session:
        session.execute(text("update jobs set state = 'queued', lease_owner = null, lease_expires_at = null"))
    office.settle()
    assert everything(office) == [0, 0, 0]
    assert office.files() == set()


def test_a_deleted_collection_takes_its_documents_with_it(office: Office) -> None:
    office.ready("a.md", LEAVE)
    office.ready("b.md", "other text")
    other = office.create("other")
    kept = office.ready("c.md", LEAVE, other)
    with office.databases.app.session(office.me.tenant) as session:
        job = Knowledge(session, office.me).forget_collection(office.collection)
    assert office.names("days of leave") == ["c.md"]
    office.settle()
    assert office.job(job).result == {"documents": 2}
    assert everything(office)[0] == 1
    assert office.document(kept.id).state == "ready"
    with office.databases.app.session(office.me.tenant) as session, pytest.raises(CollectionNotFound):
        Knowledge(session, office.me).forget_collection(office.collection)


def test_the_outbox_says_delete_for_every_chunk_that_goes(office: Office) -> None:
    document = office.ready("leave.md", LEAVE)
    chunks = office.chunks()
    office.forget(document.id)
    office.work()
    with office.databases.system.session() as session:
        query = select(IndexOutboxRow.chunk_id).where(IndexOutboxRow.op == "delete")
        assert set(session.execute(query).scalars()) == chunks
    assert office.points() == chunks
    office.project()
    assert office.points() == set()


def test_another_tenant_and_another_reader_find_no_document(office: Office) -> None:
    document = office.ready("leave.md", LEAVE)
    with office.databases.app.session(office.me.tenant) as session:
        session.execute(text("update documents set readers = '{user:nobody}'"))
    for stranger in (office.join(uuid7()), member(TenantId(office.me.tenant))):
        with office.databases.app.session(stranger.tenant) as session:
            knowledge = Knowledge(session, stranger)
            for act in (knowledge.document, knowledge.text, knowledge.forget, knowledge.retry):
                with pytest.raises(DocumentNotFound):
                    act(document.id)
            assert knowledge.documents(None, 50).items == ()


def test_a_lost_file_is_said_to_be_lost(office: Office) -> None:
    added = office.add("leave.md", LEAVE.encode())
    office.blobs.delete(office.me.tenant, added.document.sha256)
    office.work()
    with pytest.raises(BlobMissing), office.blobs.local(office.me.tenant, added.document.sha256):
        pass
