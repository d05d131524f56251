"""Who finds what: access, tenants, languages, statistics, and what is replaced from further down."""

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import event, select, text, update

from appliance.access.principal import TenantId
from appliance.access.web import Databases
from appliance.drivers.encoder.absent import AbsentEncoder
from appliance.drivers.encoder.hashed import HashedEncoder
from appliance.drivers.vectors.memory import MemoryVectors
from appliance.drivers.vectors.port import Scope
from appliance.kit.ids import uuid7
from appliance.knowledge import lists
from appliance.knowledge.errors import CollectionNotFound
from appliance.knowledge.glossary import Glossary
from appliance.knowledge.parsing.host import ParserHost
from appliance.knowledge.retrieval import Found
from appliance.knowledge.tables import ChunkRow, DocumentRow
from tests.integration.knowledge.office import DIMENSIONS, Office, member

PUMP = "The pump XR-200 is mounted with two straps."
VALVE = "The valve of the pump leaks when it is cold."
LEAVE_ZH = "员工每年享有十五天带薪年假，须提前两周申请。"
LEAVE_TW = "員工每年享有十五天帶薪特休假，須提前兩週申請。"


@pytest.fixture
def filled(office: Office) -> Office:
    office.ready("pump.txt", PUMP)
    office.ready("valve.txt", VALVE)
    office.ready("leave.txt", LEAVE_ZH)
    office.ready("leave-tw.txt", LEAVE_TW)
    return office


ASKED = [
    ("Which pump has straps?", "pump.txt", ("sparse", "dense"), "en"),
    ("xr200", "pump.txt", ("sparse", "dense"), "en"),
    ("带薪年假几天", "leave.txt", ("sparse",), "zh-Hans"),
    ("特休假須提前多久申請", "leave-tw.txt", ("sparse",), "zh-Hant"),
]


@pytest.mark.parametrize(("question", "name", "legs", "language"), ASKED)
def test_a_question_finds_its_document_by_the_legs_that_know_its_language(
    filled: Office, question: str, name: str, legs: tuple[str, ...], language: str
) -> None:
    found = filled.find(question)
    assert (found.passages[0].name, found.legs, found.language) == (name, legs, language)
    assert (found.note is None) == ("dense" in legs)


def test_a_passage_tells_its_scores_and_the_search_its_timings(filled: Office) -> None:
    found = filled.find("pump straps")
    first = found.passages[0]
    assert first.places["sparse"].rank == 1
    assert first.score == max(passage.score for passage in found.passages)
    timings = found.timings
    assert 0 < timings.encode_ms + timings.vectors_ms + timings.access_ms <= timings.total_ms


def test_no_more_passages_than_asked_for_are_given(filled: Office) -> None:
    assert len(filled.find("pump", limit=1).passages) == 1
    assert filled.find("unheard words only", limit=5).legs == ("sparse", "dense")
    assert filled.find("无关", limit=5).passages == ()


def test_without_an_encoder_search_goes_on_by_words_and_says_so(
    databases: Databases, tmp_path: Path, parser: ParserHost
) -> None:
    office = Office(databases, tmp_path / "blobs", parser)
    office.ready("pump.txt", PUMP)
    office.retrieval._encoder = AbsentEncoder("not installed")
    found = office.find("Which pump has straps?")
    assert (found.legs, [passage.name for passage in found.passages]) == (("sparse",), ["pump.txt"])
    assert found.note == "The encoder is not ready: words alone were used."


def test_a_search_stays_within_the_named_collections(filled: Office) -> None:
    other = filled.create("manuals")
    filled.ready("pump-manual.txt", PUMP, other)
    assert filled.names("pump straps", collections=["manuals"]) == ["pump-manual.txt"]
    assert "pump-manual.txt" not in filled.names("pump straps", collections=[str(filled.collection)])
    assert "pump-manual.txt" in filled.names("pump straps", collections=["manuals", "handbook"])
    assert filled.names("pump straps", collections=[]) == []
    with pytest.raises(CollectionNotFound):
        filled.find("pump", collections=["manuals", "unheard of"])


def everything(found: Found) -> list[tuple[UUID, float]]:
    return [(passage.chunk, passage.score) for passage in found.passages]


def test_another_tenants_uploads_and_deletions_change_no_score_and_find_nothing(
    databases: Databases, tmp_path: Path, parser: ParserHost
) -> None:
    vectors = MemoryVectors(DIMENSIONS)
    ours = Office(databases, tmp_path / "blobs", parser, vectors)
    theirs = Office(databases, tmp_path / "blobs", parser, vectors)
    ours.ready("pump.txt", PUMP)
    ours.ready("valve.txt", VALVE)
    before = everything(ours.find("pump valve straps"))
    added = [theirs.ready(f"{number}.txt", f"{PUMP} {VALVE} {number}") for number in range(5)]
    assert everything(ours.find("pump valve straps")) == before
    assert {passage.name for passage in theirs.find("pump").passages} == {f"{number}.txt" for number in range(5)}
    for document in added:
        theirs.forget(document.id)
    theirs.settle()
    assert everything(ours.find("pump valve straps")) == before
    assert theirs.find("pump").passages == ()


def test_after_a_deletion_scores_are_exactly_what_they_were(filled: Office) -> None:
    before, counted = everything(filled.find("pump valve")), filled.statistics()
    extra = filled.ready("more.txt", f"{PUMP} {VALVE}")
    assert everything(filled.find("pump valve")) != before
    filled.forget(extra.id)
    filled.settle()
    assert filled.statistics() == counted
    assert everything(filled.find("pump valve")) == before


def test_a_query_that_forgot_its_filter_sees_no_other_tenants_chunks(filled: Office) -> None:
    stranger = filled.join(uuid7())
    with filled.databases.app.session(stranger.tenant) as session:
        assert session.execute(select(ChunkRow)).all() == []
    with filled.databases.app.session() as session:
        assert session.execute(select(ChunkRow)).all() == []
    assert filled.retrieval.find(stranger, "pump").passages == ()


def test_an_index_that_gives_another_tenants_chunks_is_not_believed(filled: Office) -> None:
    """The index is a projection: were its filter broken, PostgreSQL would still let nothing through."""

    class Broken(MemoryVectors):
        def search(self, _scope: Scope, dense: object, sparse: object, limit: int) -> object:  # type: ignore[override] # broken on purpose
            whole = Scope(filled.me.tenant, frozenset({"everyone"}))
            return filled.vectors.search(whole, dense, sparse, limit)  # type: ignore[arg-type] # as it comes

    stranger = filled.join(uuid7())
    filled.retrieval._index._vectors = Broken(DIMENSIONS)  # type: ignore[assignment] # broken on purpose
    assert filled.retrieval.find(stranger, "pump").passages == ()
    assert filled.find("pump").passages != ()


def share(office: Office, document: UUID, *readers: str) -> None:
    with office.databases.app.session(office.me.tenant) as session:
        lists.set_document(session, document, list(readers))


def test_a_revoke_and_a_grant_work_at_once_and_after_the_index_knows(filled: Office) -> None:
    group = uuid7()
    pump = next(passage for passage in filled.find("pump straps").passages if passage.name == "pump.txt")
    insider = member(TenantId(filled.me.tenant), group)
    share(filled, pump.document, f"group:{group}")
    for _ in range(2):
        assert "pump.txt" not in filled.names("pump straps")
        assert filled.retrieval.find(insider, "pump straps").passages[0].name == "pump.txt"
        filled.project()
    share(filled, pump.document, "everyone")
    assert filled.names("pump straps")[0] == "pump.txt"


def test_what_may_not_be_read_is_replaced_from_further_down(filled: Office) -> None:
    """The index still believes 30 better documents readable; search goes on until k remain."""
    filled.retrieval.depth = 4
    for number in range(30):
        filled.ready(f"straps-{number}.txt", f"pump straps pump straps {number}")
    with filled.databases.app.session(filled.me.tenant) as session:
        session.execute(
            update(DocumentRow)
            .where(DocumentRow.name.like("straps-%"))
            .values(readers=["user:nobody"], projected_readers=["user:nobody"])
        )
    assert filled.names("pump straps", limit=2) == ["pump.txt", "valve.txt"]


def test_a_deleted_document_is_not_found_before_its_job_has_run(filled: Office) -> None:
    pump = filled.find("pump straps").passages[0]
    filled.forget(pump.document)
    assert pump.document not in {passage.document for passage in filled.find("pump straps").passages}


TRIPS = [("pump straps", None, 2), ("pump straps", ["handbook"], 2), ("PTO straps", None, 3)]


@pytest.mark.parametrize(("question", "collections", "expected"), TRIPS)
def test_a_search_takes_two_round_trips_and_a_third_for_what_the_glossary_adds(
    filled: Office, question: str, collections: list[str] | None, expected: int
) -> None:
    trips: list[object] = []
    with filled.databases.app.session(filled.me.tenant) as session:
        Glossary(session, filled.me).add("PTO", ["valve"])
    for happens in ("checkout", "before_cursor_execute"):  # a pipeline, or a session; each of a session's statements
        event.listen(filled.databases.app.engine, happens, lambda *told: trips.append(told))
    assert filled.find(question, collections=collections).passages
    assert len(trips) == expected


def test_an_encoder_of_another_language_gets_the_vote_for_it(
    databases: Databases, tmp_path: Path, parser: ParserHost
) -> None:
    chinese = HashedEncoder(DIMENSIONS, languages=frozenset({"zh"}))
    office = Office(databases, tmp_path / "blobs", parser, encoder=chinese)
    office.ready("leave.txt", LEAVE_ZH)
    assert office.find("年假几天").legs == ("sparse", "dense")
    assert office.find("How many days?").legs == ("sparse",)


def test_statistics_of_a_tenant_without_documents_are_empty(office: Office) -> None:
    assert office.find("pump").passages == ()
    with office.databases.system.session() as session:
        assert session.execute(text("select count(*) from corpus_statistics")).scalar_one() == 0
