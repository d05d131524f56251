"""Files become passages, exactly once, whatever fails on the way."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid5

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import select, text

from appliance.access.web import Databases
from appliance.drivers.broker import MemoryBell
from appliance.drivers.encoder.hashed import HashedEncoder
from appliance.drivers.encoder.port import EncoderNotReady
from appliance.jobs.service import Jobs
from appliance.jobs.states import State
from appliance.jobs.sweep import Sweep
from appliance.knowledge import bm25
from appliance.knowledge.parsing.host import ParserHost
from appliance.knowledge.parsing.limits import Recognition
from appliance.knowledge.parsing.parsed import Parsed
from appliance.knowledge.service import Knowledge
from appliance.knowledge.tables import ChunkRow, RevisionRow
from tests.factories import files
from tests.integration.knowledge.office import DIMENSIONS, Office

LEAVE = (
    "# Leave\n\nEveryone has 25 days of leave a year.\n\n## Carrying over\n\nFive days may be carried over to March.\n"
)
TRAVEL = "# Travel\n\nBook trains through the portal, at least two weeks before.\n"
LONG = "# Pumps\n\n" + "\n\n".join(f"Pump {number} is made of steel and runs at {number} bar." for number in range(60))


def test_a_file_becomes_passages_with_exact_offsets_and_is_found(office: Office) -> None:
    added = office.add("rules/leave.md", LEAVE.encode())
    assert (added.document.state, added.unchanged) == ("queued", False)
    assert office.work() == 1
    assert office.document(added.document.id).state == "indexing"
    assert office.names("How many days of leave?") == []
    office.project()
    document = office.document(added.document.id)
    assert (document.state, document.chunks, document.media_type) == ("ready", 2, "text/markdown")
    assert (document.title, document.language, document.pages) == ("Leave", "en", None)
    assert office.job(added.job).result["chunks"] == 2
    found = office.find("How many days may be carried over?").passages[0]
    with office.databases.app.session(office.me.tenant) as session:
        normal = Knowledge(session, office.me).text(document.id)
    assert normal.text[found.start : found.end] == found.text
    assert (found.line, found.headings, found.name) == (5, ("Leave", "Carrying over"), "rules/leave.md")
    assert found.title == "Leave"


def test_what_is_stored_is_what_the_index_and_the_questions_need(office: Office) -> None:
    document = office.ready("leave.md", LEAVE)
    with office.databases.app.session(office.me.tenant) as session:
        rows = session.execute(select(ChunkRow).order_by(ChunkRow.ordinal)).scalars().all()
        revision = session.execute(select(RevisionRow)).scalar_one()
    assert [row.id for row in rows] == [uuid5(document.revision, str(number)) for number in range(2)]
    assert revision.encoder == f"hashed-{DIMENSIONS}"
    indexed = f"Leave > Carrying over\n{rows[1].text}" if rows[1].lead else rows[1].text
    vector = HashedEncoder(DIMENSIONS).encode([f"Leave\n{rows[1].text}"])[0]
    assert np.frombuffer(rows[1].embedding, "<f4").tolist() == pytest.approx(vector.tolist(), abs=1e-6)
    assert (
        np.frombuffer(rows[1].term_ids, "<u4").tolist()
        == bm25.document(bm25.counted(f"Leave\n{rows[1].text}")).ids.tolist()
    )
    assert indexed.endswith("March.")
    assert office.points() == office.chunks()


def test_the_same_bytes_again_change_nothing(office: Office) -> None:
    first = office.ready("leave.md", LEAVE)
    again = office.add("leave.md", LEAVE.encode())
    assert (again.unchanged, again.job, again.document.revision) == (True, None, first.revision)
    assert office.work() == 0


def test_the_same_bytes_while_they_are_read_give_the_job_that_reads_them(office: Office) -> None:
    first = office.add("leave.md", LEAVE.encode())
    again = office.add("leave.md", LEAVE.encode())
    assert (again.unchanged, again.job) == (True, first.job)


def test_new_content_is_served_only_when_the_index_holds_it_and_the_old_one_goes(office: Office) -> None:
    first = office.ready("leave.md", LEAVE)
    before = office.statistics()
    assert office.add("leave.md", TRAVEL.encode()).document.revision == first.revision
    office.work()
    assert office.names("carried over") == ["leave.md"]
    assert office.find("trains portal").passages[0].revision == first.revision
    office.project()
    assert office.find("trains portal").passages[0].revision != first.revision
    assert {passage.revision for passage in office.find("carried over").passages} != {first.revision}
    office.ready("leave.md", LEAVE)
    assert office.statistics() == before
    assert office.points() == office.chunks()


def test_a_newer_upload_replaces_one_that_was_not_read_yet(office: Office) -> None:
    first = office.add("leave.md", LEAVE.encode())
    second = office.add("leave.md", TRAVEL.encode())
    assert office.work() == 2
    office.project()
    assert office.job(first.job).result == {"skipped": True}
    assert office.job(second.job).result["chunks"] == 1
    assert office.document(first.document.id).title == "Travel"


def test_the_same_content_under_two_names_is_kept_once_and_found_twice(office: Office) -> None:
    office.ready("a.md", LEAVE)
    office.ready("b.md", LEAVE)
    assert sorted(office.names("carried over")) == ["a.md", "b.md"]
    assert office.files() == {hashlib.sha256(LEAVE.encode()).hexdigest()}


REFUSED = [
    ("cut.docx", files.word(files.paragraph("x"))[:-30], "truncated"),
    ("scan.pdf", files.scan(), "no_text_layer"),
    ("locked.docx", files.protected_office_file(), "encrypted"),
    ("picture.pdf", b"\x89PNG\r\n\x1a\n" + bytes(50), "mislabelled"),
    ("bomb.docx", files.bomb(50_000_000), "archive_bomb"),
]


def test_a_bad_file_fails_with_its_reason_and_the_others_go_on(office: Office) -> None:
    added = {name: office.add(name, content) for name, content, _ in REFUSED}
    good = office.add("leave.md", LEAVE.encode())
    office.settle()
    for name, _, code in REFUSED:
        document = office.document(added[name].document.id)
        assert (document.state, document.reason_code) == ("failed", code), name
        assert document.reason
        assert office.job(added[name].job).state is State.FAILED
    assert office.document(good.document.id).state == "ready"
    assert office.names("carried over") == ["leave.md"]
    assert office.points() == office.chunks()


def test_a_new_revision_that_cannot_be_read_leaves_the_old_one_served(office: Office) -> None:
    office.ready("leave.md", LEAVE)
    added = office.add("leave.md", b"%PDF-1.7 no")
    office.settle()
    assert office.document(added.document.id).state == "failed"
    assert office.names("carried over") == ["leave.md"]


class Flaky(HashedEncoder):
    """Not ready the first time."""

    calls = 0

    def encode(self, texts: Sequence[str], *, urgent: bool = False) -> NDArray[np.float32]:
        self.calls += 1
        if self.calls == 1:
            raise EncoderNotReady("loading")
        return super().encode(texts, urgent=urgent)


def test_an_encoder_that_is_not_ready_puts_the_job_off(
    databases: Databases, tmp_path: Path, parser: ParserHost
) -> None:
    office = Office(databases, tmp_path / "blobs", parser, encoder=Flaky(DIMENSIONS))
    added = office.add("leave.md", LEAVE.encode())
    assert office.work() == 1
    assert office.job(added.job).state is State.QUEUED
    assert office.document(added.document.id).state == "encoding"
    with databases.system.session() as session:
        session.execute(text("update jobs set not_before = now()"))
    office.settle()
    assert office.document(added.document.id).state == "ready"


class Killed(BaseException):
    """The process dies here."""


class DiesOnce:
    """A parser, encoder or file store that dies the first time."""

    def __init__(self, inner: object, method: str) -> None:
        self._inner, self._method, self._died = inner, method, False

    def __getattr__(self, name: str) -> object:
        if name == self._method and not self._died:
            self._died = True
            raise Killed
        return getattr(self._inner, name)


# The last one dies inside the final transaction, with chunks and statistics written.
STAGES = [("blobs", "local"), ("parser", "parse"), ("encoder", "tokens"), ("encoder", "encode"), ("encoder", "name")]


@pytest.mark.parametrize(("tool", "method"), STAGES)
def test_killed_in_any_stage_the_job_resumes_and_nothing_is_doubled(
    databases: Databases, tmp_path: Path, parser: ParserHost, tool: str, method: str
) -> None:
    office = Office(databases, tmp_path / "blobs", parser)
    tools = {"blobs": office.blobs, "parser": parser, "encoder": office.encoder}
    setattr_frozen(office, tool, DiesOnce(tools[tool], method))
    added = office.add("pumps.md", LONG.encode())
    with pytest.raises(Killed):
        office.work()
    assert office.chunks() == set()
    with databases.system.session() as session:
        session.execute(text("update jobs set lease_expires_at = now() - interval '1 s'"))
    expire(office)
    office.settle()
    document = office.document(added.document.id)
    assert (document.state, document.chunks) == ("ready", len(office.chunks()))
    assert office.points() == office.chunks()
    assert office.statistics()[0] == document.chunks


def setattr_frozen(office: Office, tool: str, value: object) -> None:
    object.__setattr__(office.tools, tool, value)


def expire(office: Office) -> None:
    """What the sweep does with the lease of a dead worker."""
    Sweep(office.databases.system, office.databases.app, office.registry, MemoryBell(), office.runner.settings).once()


def test_a_worker_that_lost_its_lease_writes_nothing(office: Office) -> None:
    class Slow:
        """Another worker takes the job over while this one parses."""

        def parse(self, path: Path, name: str, recognition: Recognition = "auto") -> Parsed:
            assert recognition == "auto"
            with office.databases.system.session() as session:
                session.execute(text("update jobs set lease_token = lease_token + 1"))
            return office.parser.parse(path, name, recognition)

    setattr_frozen(office, "parser", Slow())
    added = office.add("leave.md", LEAVE.encode())
    office.work()
    assert office.chunks() == set()
    assert office.document(added.document.id).chunks is None


def test_a_document_deleted_while_it_is_read_is_not_written(office: Office) -> None:
    class Meanwhile:
        def parse(self, path: Path, name: str, recognition: Recognition = "auto") -> Parsed:
            parsed = office.parser.parse(path, name, recognition)
            office.forget(added.document.id)
            return parsed

    setattr_frozen(office, "parser", Meanwhile())
    added = office.add("leave.md", LEAVE.encode())
    office.settle()
    assert office.chunks() == office.points() == set()
    assert office.statistics() == (0, {})


def test_a_cancelled_reading_says_so(office: Office) -> None:
    added = office.add("leave.md", LEAVE.encode())
    with office.databases.app.session(office.me.tenant) as session:
        assert added.job
        Jobs(session, office.me.tenant, office.registry.endings).cancel(added.job)
    document = office.document(added.document.id)
    assert (document.state, document.reason_code) == ("failed", "cancelled")
    again = office.retry(document.id)
    office.settle()
    assert office.document(again.document.id).state == "ready"
    assert UUID(str(again.job)) != added.job
