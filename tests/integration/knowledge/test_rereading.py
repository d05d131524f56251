"""Documents read again with other settings, their revisions, and what differs between two."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from appliance.jobs.states import State
from appliance.knowledge import lists
from appliance.knowledge.batches import Batch, Batches
from appliance.knowledge.errors import (
    CollectionNotFound,
    DocumentBusy,
    DocumentNotFound,
    NoText,
    RevisionNotFound,
    TooLongToCompare,
)
from appliance.knowledge.reading import Reading
from appliance.knowledge.rereading import Rereading
from appliance.knowledge.revisions import LONGEST_LINE, MOST_LINES, MOST_TOLD, Revisions
from appliance.knowledge.tables import ChunkRow, DocumentRow
from tests.factories import files, scans
from tests.integration.knowledge.office import Office, member

LONG = " ".join(f"The pump {number} is mounted with two straps." for number in range(40))


@contextmanager
def rereading(office: Office) -> Iterator[Rereading]:
    with office.databases.app.session(office.me.tenant) as session:
        yield Rereading(session, office.me)


@contextmanager
def revisions(office: Office) -> Iterator[Revisions]:
    with office.databases.app.session(office.me.tenant) as session:
        yield Revisions(session, office.me)


def batch(office: Office, key: UUID) -> Batch:
    with office.databases.app.session(office.me.tenant) as session:
        return Batches(session, office.me).one(key)


def sizes(office: Office, document: UUID) -> list[int]:
    with office.databases.app.session(office.me.tenant) as session:
        query = select(ChunkRow.tokens).where(ChunkRow.document_id == document).order_by(ChunkRow.ordinal)
        return list(session.execute(query).scalars())


def test_a_document_is_read_again_and_the_old_revision_answers_until_the_new_one_is_there(office: Office) -> None:
    document = office.ready("pump.txt", LONG)
    small = sizes(office, document.id)
    with rereading(office) as again:
        asked = again.document(document.id, Reading(chunk_tokens=300))
    assert office.work() == 1
    waiting = office.document(document.id)
    assert (waiting.state, waiting.revision) == ("indexing", document.revision)
    assert office.names("pump") == ["pump.txt"], "the old one answers"
    assert batch(office, asked.batch).left == 1
    office.project()
    now = office.document(document.id)
    assert (now.state, now.sha256, now.revision == document.revision) == ("ready", document.sha256, False)
    assert office.names("pump") == ["pump.txt"]
    large = sizes(office, document.id)
    assert max(large) > max(small)
    assert len(large) < len(small)
    assert office.points() == office.chunks()
    assert (batch(office, asked.batch).left, batch(office, asked.batch).states) == (0, {"ready": 1})
    same = office.add("pump.txt", LONG.encode())
    assert same.unchanged
    with revisions(office) as of:
        told = of.all(document.id)
    assert [(one.number, one.served, one.reading.get("chunk_tokens")) for one in told] == [
        (2, True, 300),
        (1, False, None),
    ]


def test_what_cannot_be_read_again_keeps_its_old_revision(office: Office) -> None:
    document = office.ready("pump.txt", LONG)
    office.blobs.delete(office.me.tenant, document.sha256)
    with rereading(office) as again:
        asked = again.document(document.id, None)
    office.settle()
    for _ in range(2):  # its file is gone: the job is tried as often as it may be
        with office.databases.system.session() as session:
            session.execute(text("update jobs set not_before = null where state = 'queued'"))
        office.settle()
    assert office.job(asked.job).state is State.FAILED
    now = office.document(document.id)
    assert (now.state, now.revision) == ("failed", document.revision)
    assert now.reason
    assert office.names("pump") == ["pump.txt"]
    assert office.text(document.id) == LONG


def test_a_collection_s_files_are_read_as_it_says_and_those_that_are_there_by_a_job(office: Office) -> None:
    read = [office.ready(f"{number}.txt", LONG).id for number in range(3)]
    page = office.ready("page.pdf", files.pdf([("The valve is open.", 11, 50, 700)])).id
    hidden = office.ready("hidden.txt", LONG).id
    with office.databases.app.session(office.me.tenant) as session:
        lists.set_document(session, hidden, [])
    office.settle()
    with rereading(office) as again:
        assert again.settings(office.collection) == Reading()
        again.change(office.collection, Reading("never", 300))
        assert again.settings(office.collection) == Reading("never", 300)
    new = office.ready("new.txt", LONG).id
    assert max(sizes(office, new)) > max(sizes(office, read[0]))
    with rereading(office) as again:
        asked = again.collection(office.collection, None, "text/plain")
    assert asked.documents == 4
    assert batch(office, asked.batch).total == 4
    office.settle()
    assert {tuple(sizes(office, each)) for each in read} == {tuple(sizes(office, new))}
    told = batch(office, asked.batch)
    assert (told.states, told.left, bool(told.ended_at)) == ({"ready": 4}, 0, True)
    with office.databases.app.session(office.me.tenant) as session:
        rows = session.execute(select(DocumentRow.id, DocumentRow.batch_id))
        batches = {row.id: row.batch_id for row in rows}
    assert (batches[page], batches[hidden]) == (None, None), "of another format; not the caller's to read"
    assert office.job(asked.job).result == {"documents": 4}


def test_a_job_that_is_begun_again_passes_over_what_was_asked_for(office: Office) -> None:
    document = office.ready("pump.txt", LONG).id
    with rereading(office) as again:
        asked = again.collection(office.collection, None)
    office.settle()
    with office.databases.system.session() as session:
        session.execute(
            text("update jobs set state = 'queued', finished_at = null where id = :job"), {"job": asked.job}
        )
    office.settle()
    assert office.job(asked.job).state is State.SUCCEEDED
    with revisions(office) as of:
        assert [one.number for one in of.all(document)] == [2, 1]


def test_reading_again_is_for_who_may_read_and_of_what_is_there(office: Office) -> None:
    document = office.ready("pump.txt", LONG).id
    with office.databases.app.session(office.me.tenant) as session:
        lists.set_document(session, document, [f"user:{office.me.user}"])
        other = member(office.me.tenant)
        with pytest.raises(DocumentNotFound):
            Rereading(session, other).document(document, None)
        with pytest.raises(DocumentNotFound):
            Revisions(session, other).all(document)
        with pytest.raises(DocumentNotFound):
            Revisions(session, other).text(document, 1)
        with pytest.raises(CollectionNotFound):
            Rereading(session, other).collection(document, None)
    office.forget(document)
    with rereading(office) as again, pytest.raises(DocumentBusy):
        again.document(document, None)


def test_a_page_that_is_a_picture_is_left_out_where_nothing_is_to_be_recognised(office: Office) -> None:
    with rereading(office) as again:
        again.change(office.collection, Reading("never"))
    added = office.add("scan.pdf", scans.scanned("The valve is open.", scans.picture([("closed", 11, 50, 760)])))
    office.settle()
    assert office.document(added.document.id).state == "ready"
    assert office.job(added.job).result["warnings"] == ["page 2: a picture, not read"]


def test_revisions_are_listed_fetched_and_compared(office: Office) -> None:
    document = office.ready("pump.txt", "one\ntwo\nthree\n").id
    office.ready("pump.txt", "one\n2\nthree\n")
    with revisions(office) as of:
        assert of.text(document, 1).text == "one\ntwo\nthree\n"
        told = of.difference(document, 1, 2)
    assert told.lines == ("--- revision 1", "+++ revision 2", "@@ -1,3 +1,3 @@", " one", "-two", "+2", " three")
    assert not told.cut
    with revisions(office) as of:
        assert of.difference(document, 2, 2).lines == ()
        with pytest.raises(RevisionNotFound):
            of.text(document, 3)
    with office.databases.operator.session() as session:
        query = "select action, details from audit_entries where action in ('document.read', 'document.compare')"
        noted = [(row.action, json.dumps(row.details)) for row in session.execute(text(query))]
    assert ("document.read", '{"revision": 1}') in noted
    assert ("document.compare", '{"revisions": [1, 2]}') in noted


def test_a_comparison_is_bounded(office: Office) -> None:
    document = office.ready("a.txt", "\n".join(f"{number} x" for number in range(MOST_TOLD))).id
    office.ready("a.txt", "\n".join(f"{number} y" for number in range(MOST_TOLD)) + "\n" + "z" * 3 * LONGEST_LINE)
    with revisions(office) as of:
        told = of.difference(document, 1, 2)
    assert (len(told.lines), told.cut) == (MOST_TOLD, True)
    assert max(map(len, told.lines)) <= LONGEST_LINE + 2
    with office.databases.app.session(office.me.tenant) as session:
        many = {"text": "x\n" * (MOST_LINES + 1), "document": document}
        session.execute(text("update revisions set text = :text where document_id = :document and number = 2"), many)
    with revisions(office) as of, pytest.raises(TooLongToCompare):
        of.difference(document, 1, 2)
    with office.databases.app.session(office.me.tenant) as session:
        session.execute(text("update revisions set text = null where number = 2"))
    with revisions(office) as of, pytest.raises(NoText):
        of.difference(document, 1, 2)


def test_an_unknown_setting_of_another_version_is_no_silence(office: Office) -> None:
    stored: dict[str, Any] = {"later": 1}
    with pytest.raises(TypeError):
        Reading.of(stored)
