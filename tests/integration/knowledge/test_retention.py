"""Documents that their collection's rule forgets, and those that it leaves."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from appliance.access.principal import TenantId
from appliance.drivers.broker import MemoryBell
from appliance.jobs.job import Job
from appliance.jobs.registry import Registry
from appliance.jobs.runner import Runner
from appliance.jobs.service import Jobs
from appliance.kit import clock
from appliance.kit.settings import JobSettings
from appliance.knowledge import retaining, tasks
from appliance.knowledge.errors import CollectionNotFound, DocumentNotFound, NoRule
from appliance.knowledge.life import Life
from appliance.knowledge.rereading import Rereading
from appliance.knowledge.retention import Preview, Ran, Retention, Rule
from appliance.knowledge.tables import DocumentRow, RevisionRow
from appliance.tenants.certificate import verified
from appliance.tenants.forgetting import tallied
from tests.integration.knowledge.office import SIGNER, Equipment, Office

MONTH = Rule(30, "modified")


@contextmanager
def retention(office: Office) -> Iterator[Retention]:
    with office.databases.app.session(office.me.tenant) as session:
        yield Retention(session, office.me)


def preview(office: Office, rule: Rule | None = None) -> Preview:
    with retention(office) as of:
        return of.preview(office.collection, rule)


def runs(office: Office) -> tuple[Ran, ...]:
    with retention(office) as of:
        return of.runs(office.collection)


def aged(office: Office, document: UUID, days: int) -> None:
    """As if document and revisions were so much older."""
    with office.databases.app.session(office.me.tenant) as session:
        for row, key in ((DocumentRow, DocumentRow.id), (RevisionRow, RevisionRow.document_id)):
            session.execute(update(row).where(key == document).values(created_at=row.created_at - timedelta(days=days)))


def sweep(office: Office) -> int:
    """What the sweep asks for; and its jobs are done."""
    with office.databases.system.session() as session:
        asked = retaining.due(session)
    office.settle()
    return asked


def jobs(office: Office) -> list[Job]:
    with office.databases.app.session(office.me.tenant) as session:
        return list(Jobs(session, TenantId(office.me.tenant)).list(None, 10, kind=retaining.RETAIN).items)


def names(office: Office) -> set[str]:
    with office.databases.app.session(office.me.tenant) as session:
        return set(session.execute(select(DocumentRow.name)).scalars())


def test_what_is_due_is_forgotten_everywhere_with_a_certificate_and_what_is_held_stays(office: Office) -> None:
    old, held, new = (office.ready(f"{name}.txt", f"The {name} pump.") for name in ("old", "held", "new"))
    for document in (old, held):
        aged(office, document.id, 40)
    with office.databases.app.session(office.me.tenant) as session:
        Life(session, office.me).hold(held.id, "case 7")
    told = preview(office, MONTH)
    assert (told.documents, told.held) == (2, 1)
    assert [(due.name, due.held) for due in told.first] == [("old.txt", False), ("held.txt", True)]
    assert sweep(office) == 0, "no rule yet"
    with retention(office) as of:
        of.change(office.collection, MONTH)
    assert preview(office) == told
    assert sweep(office) == 1
    assert names(office) == {"held.txt", "new.txt"}
    assert old.sha256 not in office.files()
    assert office.points() == office.chunks()
    with pytest.raises(DocumentNotFound):
        office.document(old.id)
    [run] = runs(office)
    assert (run.documents, run.held, run.rule) == (1, 1, MONTH)
    assert run.certificate
    body = verified(run.certificate.encode(), SIGNER.key)
    assert body["deleted"] == {
        "documents": tallied(None, [str(old.id)]),
        "contents": tallied(None, [old.sha256]),
    }
    assert body["collection"] == {"id": str(office.collection)}
    with office.databases.operator.session() as session:
        query = (
            "select action, object, details from audit_entries where action in ('document.expire', 'collection.retain')"
        )
        noted = {row.action: (row.object, row.details) for row in session.execute(text(query))}
    assert noted["document.expire"][0] == str(old.id)
    assert noted["collection.retain"][1]["digest"] == body["deleted"]["documents"]["digest"]
    assert new.state == "ready"


def test_it_is_asked_for_once_a_day_and_anew_when_the_rule_changes(office: Office) -> None:
    office.ready("new.txt", "The pump.")
    with retention(office) as of:
        of.change(office.collection, MONTH)
    assert [sweep(office), sweep(office)] == [1, 0]
    with office.databases.app.session(office.me.tenant) as session:
        session.execute(text("update collections set retained_at = now() - interval '25 hours'"))
    assert sweep(office) == 1
    with retention(office) as of:
        of.change(office.collection, Rule(60, "added"))
    assert sweep(office) == 1
    assert runs(office) == ()
    assert {job.result["documents"] for job in jobs(office)} == {0}
    with retention(office) as of:
        of.change(office.collection, None)
        assert of.rule(office.collection) is None
        with pytest.raises(NoRule):
            of.preview(office.collection)
        with pytest.raises(CollectionNotFound):
            of.change(office.me.user, MONTH)
    assert sweep(office) == 0


def test_reading_again_is_no_change_and_other_bytes_are_one(office: Office) -> None:
    reread, changed = (office.ready(f"{name}.txt", f"The {name} pump.").id for name in ("reread", "changed"))
    for document in (reread, changed):
        aged(office, document, 40)
    with office.databases.app.session(office.me.tenant) as session:
        Rereading(session, office.me).document(reread, None)
    office.settle()
    office.ready("changed.txt", "Another pump.")
    assert [due.name for due in preview(office, MONTH).first] == ["reread.txt"]
    assert {due.name for due in preview(office, Rule(30, "added")).first} == {"reread.txt", "changed.txt"}
    today = clock.now().date()
    assert preview(office, Rule(until=today)).documents == 0, "until its end"
    assert preview(office, Rule(until=today - timedelta(days=1))).documents == 2
    assert Rule.of(Rule(until=date(2027, 1, 31)).stored()) == Rule(until=date(2027, 1, 31))


def test_a_run_that_was_killed_after_it_hid_a_document_is_followed_by_one_that_ends_it(office: Office) -> None:
    first, second = (office.ready(f"{name}.txt", f"The {name} pump.") for name in ("first", "second"))
    for document in (first, second):
        aged(office, document.id, 40)
    with retention(office) as of:
        of.change(office.collection, MONTH)

    class Killed(BaseException):
        """As a kill: nothing is written down any more."""

    def kill(*_: object) -> None:
        raise Killed

    dying = Registry()
    tasks.register(dying, lambda: Equipment(office.tools), (kill,))
    with office.databases.system.session() as session:
        retaining.due(session)
    with pytest.raises(Killed):
        Runner(
            office.databases.system, office.databases.app, dying, MemoryBell(), JobSettings(attempts=2), "dying"
        ).run_next()
    assert office.document(first.id).state == "deleting"
    with office.databases.system.session() as session:
        session.execute(text("update jobs set state = 'queued', lease_owner = null where state = 'running'"))
    office.settle()
    assert names(office) == set()
    [run] = runs(office)
    assert run.documents == 2
    assert run.certificate
    ids = tallied(tallied(None, [str(first.id)]), [str(second.id)])
    assert verified(run.certificate.encode())["deleted"]["documents"] == ids
