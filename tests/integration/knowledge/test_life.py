"""What a document went through, what failed tried again, and holds that nobody's deletion gets past."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select, update

from appliance.access.principal import Principal
from appliance.jobs.service import Jobs
from appliance.kit import clock
from appliance.kit.ids import uuid7
from appliance.knowledge import life, lists
from appliance.knowledge.batches import Batches
from appliance.knowledge.errors import DocumentNotFound, NotHeld, UnderHold
from appliance.knowledge.forgetting import unfinished
from appliance.knowledge.life import Life
from appliance.knowledge.service import Knowledge
from appliance.knowledge.tables import DocumentRow
from tests.integration.knowledge.office import Office

PUMP = "The pump XR-200 is mounted with two straps."
BROKEN = b"%PDF-1.7 no"


@contextmanager
def lived(office: Office, who: Principal | None = None) -> Iterator[Life]:
    with office.databases.app.session(office.me.tenant) as session:
        yield Life(session, who or office.me)


def test_a_document_remembers_its_states_with_times_and_reasons(office: Office) -> None:
    begun = clock.now()
    document = office.ready("pump.txt", PUMP).id
    office.add("pump.txt", BROKEN)
    office.settle()
    with lived(office) as of:
        stages = of.history(document)
    first = ["queued", "parsing", "encoding", "indexing", "ready"]
    assert [stage.state for stage in stages] == [*first, "queued", "parsing", "failed"]
    assert [stage.at for stage in stages] == sorted(stage.at for stage in stages)
    assert abs(stages[0].at - begun) < timedelta(minutes=1)
    assert stages[-1].reason_code
    assert stages[-1].reason
    assert {stage.reason_code for stage in stages[:-1]} == {None}
    with office.databases.app.session(office.me.tenant) as session:
        lists.set_document(session, document, [])
    with lived(office) as of, pytest.raises(DocumentNotFound):
        of.history(document)


def test_it_remembers_the_last_hundred(office: Office) -> None:
    document = office.add("pump.txt", BROKEN).document.id
    office.settle()
    for _ in range(40):
        office.retry(document)
        office.settle()
    with lived(office) as of:
        stages = of.history(document)
    assert len(stages) == 100
    assert stages[-1].state == "failed"


def test_all_that_failed_is_tried_again_and_nothing_else(office: Office) -> None:
    office.ready("pump.txt", PUMP)
    for number in range(3):
        office.add(f"{number}.pdf", BROKEN)
    office.settle()
    closed = office.add("closed.pdf", BROKEN).document.id
    office.settle()
    with office.databases.app.session(office.me.tenant) as session:
        lists.set_document(session, closed, [])
    with lived(office) as of:
        batch, *counted = of.retry_failed(office.collection)
        assert counted == [3, 0]
        assert batch is not None
        assert Batches(of._session, office.me).one(batch).states == {"queued": 3}
    assert office.work() == 3
    with lived(office) as of:
        assert Batches(of._session, office.me).one(batch).states == {"failed": 3}
        before = Batches(of._session, office.me).page(None, 50).items
        assert of.retry_failed(office.create("empty")) == (None, 0, 0)
        assert Batches(of._session, office.me).page(None, 50).items == before, "nothing was begun"


def test_what_was_to_be_forgotten_is_forgotten_though_its_job_was_cancelled(office: Office) -> None:
    document = office.ready("pump.txt", PUMP).id
    cancelled = office.forget(document)
    with office.databases.app.session(office.me.tenant) as session:
        Jobs(session, office.me.tenant).cancel(cancelled)
    assert office.work() == 0
    assert office.files(), "it is hidden, and still there"
    with office.databases.system.session() as session:
        assert unfinished(session) == 0, "a job may be on its way"
        session.execute(update(DocumentRow).values(access_changed_at=func.now() - timedelta(hours=1)))
        assert (unfinished(session), unfinished(session)) == (1, 1)
    assert office.work() == 1, "asked for once"
    office.project()
    assert not office.files()
    assert not office.points()


def test_what_is_held_is_not_forgotten_until_it_is_released(office: Office) -> None:
    document = office.ready("pump.txt", PUMP).id
    other = office.ready("other.txt", PUMP).id
    with lived(office) as of:
        placed = of.hold(document, "case 7")
        assert of.hold(document, "case 8") == placed == of.held(document), "the first hold stays"
    with pytest.raises(UnderHold):
        office.forget(document)
    with pytest.raises(UnderHold), office.databases.app.session(office.me.tenant) as session:
        Knowledge(session, office.me).forget_collection(office.collection)
    assert {office.document(each).state for each in (document, other)} == {"ready"}, "all or nothing"
    assert life.holding(office.databases.system, office.me.tenant)
    with office.databases.system.session() as session:
        assert life.holds(session, None, 5) == [placed]
        assert life.holds(session, document, 5) == []
    with lived(office) as of:
        of.release(document)
    assert not life.holding(office.databases.system, office.me.tenant)
    with lived(office) as of, pytest.raises(NotHeld):
        of.release(document)
    office.forget(document)
    office.settle()
    with pytest.raises(DocumentNotFound):
        office.document(document)


def test_a_hold_that_comes_while_the_collection_goes_keeps_that_document_and_no_other(office: Office) -> None:
    """Added while its collection is being deleted, and held before the job came to it.

    Its id is smaller than that of a hidden one: another web process gave it, whose clock is behind.
    """
    hidden = office.ready("hidden.txt", PUMP).id
    with office.databases.app.session(office.me.tenant) as session:
        job = Knowledge(session, office.me).forget_collection(office.collection)
    early = UUID(int=hidden.int - 1)
    with office.databases.app.session(office.me.tenant) as session:
        values = {"id": early, "tenant_id": office.me.tenant, "collection_id": office.collection}
        session.execute(insert(DocumentRow).values(**values, name="early.txt", state="failed"))
    also = office.add("also.txt", PUMP.encode()).document.id
    with lived(office) as of:
        placed = of.hold(early, "case 7")
    office.settle()
    for gone in (hidden, also):
        with pytest.raises(DocumentNotFound):
            office.document(gone)
    with lived(office) as of:
        assert of.held(early) == placed
    with office.databases.app.session(office.me.tenant) as session:
        states = session.execute(select(DocumentRow.id, DocumentRow.state)).all()
        assert Knowledge(session, office.me).collection(office.collection).name == "handbook"
    assert states == [(early, "failed")]
    ended = office.job(job)
    assert (ended.state, ended.reason and ended.reason.code) == ("failed", "under_hold")


def test_an_upload_under_way_is_hidden_with_its_collection(office: Office) -> None:
    """Whoever holds it afterwards would hold what nobody can find any more: it is refused."""
    with ThreadPoolExecutor(1) as other:
        with office.databases.app.session(office.me.tenant) as session:
            staged = office.blobs.stage(office.me.tenant, io.BytesIO(PUMP.encode()), 1000)
            late = Knowledge(session, office.me).add(office.collection, "late.txt", staged, office.blobs).document.id
            session.flush()
            asked = other.submit(_forget_collection, office)
            with pytest.raises(TimeoutError):
                asked.result(0.5)
        asked.result(10)
    assert office.document(late).state == "deleting"
    with lived(office) as of, pytest.raises(DocumentNotFound):
        of.hold(late, "case 7")
    office.settle()
    with pytest.raises(DocumentNotFound):
        office.document(late)


def _forget_collection(office: Office) -> UUID:
    with office.databases.app.session(office.me.tenant) as session:
        return Knowledge(session, office.me).forget_collection(office.collection)


def test_what_is_being_deleted_or_not_there_is_not_held(office: Office) -> None:
    document = office.ready("pump.txt", PUMP).id
    office.forget(document)
    for key in (document, uuid7()):
        with lived(office) as of, pytest.raises(DocumentNotFound):
            of.hold(key, "too late")
