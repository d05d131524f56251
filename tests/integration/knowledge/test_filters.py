"""A search is narrowed by type, language, day and tag; what passes is all that is found."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import text

from appliance.drivers.vectors.memory import MemoryVectors
from appliance.drivers.vectors.port import Legs, Scope, Sparse
from appliance.kit.ids import uuid7
from appliance.knowledge import narrowing
from appliance.knowledge.errors import BadTag, DocumentNotFound, TypeUnknown
from appliance.knowledge.parsing.formats import DOCX, MARKDOWN, PDF
from appliance.knowledge.search_schemas import SearchBody
from appliance.knowledge.tagging import Tagging
from appliance.knowledge.wish import Filters, Spoken, Wish, media_types
from tests.integration.knowledge.office import Office, member


def tag(office: Office, document: UUID, *tags: str) -> tuple[str, ...]:
    with office.databases.app.session(office.me.tenant) as session:
        return Tagging(session, office.me).set(document, tags).tags


def taken_in(office: Office, document: UUID, at: datetime) -> None:
    with office.databases.app.session(office.me.tenant) as session:
        session.execute(
            text("update revisions set created_at = :at where document_id = :id"), {"at": at, "id": document}
        )


@pytest.fixture
def filled(office: Office) -> Office:
    leave = office.ready("leave.md", "# Leave\n\nEach employee has 25 days of annual leave.")
    office.ready("travel.txt", "Annual leave may follow a journey; each employee asks first.")
    tag(office, leave.id, "HR", "policy")
    taken_in(office, leave.id, datetime(2025, 3, 1, 23, 30, tzinfo=UTC))
    return office


def names(office: Office, query: str, filters: Filters) -> set[str]:
    return {one.name for one in office.retrieval.find(office.me, query, Wish(filters=filters)).passages}


DAY = datetime(2025, 3, 2, tzinfo=UTC)
CASES = [
    (Filters(), {"leave.md", "travel.txt"}),
    (Filters(types=(MARKDOWN,)), {"leave.md"}),
    (Filters(types=(MARKDOWN, "text/plain")), {"leave.md", "travel.txt"}),
    (Filters(types=(PDF,)), set()),
    (Filters(languages=("en",)), {"leave.md", "travel.txt"}),
    (Filters(tags=("policy",)), {"leave.md"}),
    (Filters(tags=("hr", "policy")), {"leave.md"}),
    (Filters(tags=("hr", "other")), set()),
    (Filters(until=DAY), {"leave.md"}),
    (Filters(since=DAY), {"travel.txt"}),
    (Filters(since=DAY - timedelta(days=1), until=DAY), {"leave.md"}),
    (Filters(types=("text/plain",), tags=("policy",)), set()),
]


@pytest.mark.parametrize("named", [narrowing.MOST_NAMED, 0])
@pytest.mark.parametrize(("filters", "expected"), CASES)
def test_only_what_passes_is_found_whether_the_index_is_told_or_not(
    filled: Office, filters: Filters, expected: set[str], named: int
) -> None:
    filled.retrieval.most_named = named
    assert names(filled, "annual leave employee", filters) == expected


def test_a_language_is_of_one_script_or_of_both(filled: Office) -> None:
    filled.ready("假期.txt", "员工每年享有十五天带薪年假，须提前两周申请。")
    filled.ready("休假.txt", "員工每年享有十五天帶薪年假，須提前兩週申請。")

    def found(*languages: Spoken) -> set[str]:
        wish = SearchBody(query="带薪年假", languages=list(languages), fold="none").wish()
        return {one.name for one in filled.retrieval.find(filled.me, "带薪年假", wish).passages}

    assert found("zh-Hans") == {"假期.txt"}
    assert found("zh-Hant") == {"休假.txt"}
    assert found("zh") == {"假期.txt", "休假.txt"}
    assert found("en") == set()


def test_what_the_index_finds_beside_it_is_replaced_from_further_down(filled: Office) -> None:
    """So many documents pass that the index is not told which; the best it finds do not pass."""
    filled.retrieval.most_named, filled.retrieval.depth = 0, 3
    for number in range(20):
        filled.ready(f"{number}.txt", f"annual leave annual leave employee {number}")
    assert names(filled, "annual leave employee", Filters(tags=("policy",))) == {"leave.md"}


def test_the_index_is_asked_for_the_documents_that_pass_alone(filled: Office) -> None:
    asked: list[Scope] = []

    class Watched(MemoryVectors):
        def search(self, scope: Scope, dense: NDArray[np.float32] | None, sparse: Sparse | None, limit: int) -> Legs:
            asked.append(scope)
            return filled.vectors.search(scope, dense, sparse, limit)

    filled.retrieval._index._vectors = Watched(64)
    assert names(filled, "annual leave", Filters(tags=("policy",))) == {"leave.md"}
    assert [scope.documents and len(scope.documents) for scope in asked] == [1]
    assert names(filled, "annual leave", Filters(tags=("unheard",))) == set()
    assert names(filled, "annual leave", Filters()) != set()
    assert [scope.documents for scope in asked[1:]] == [(), None]


def test_a_filter_opens_nothing_that_its_reader_may_not_see(filled: Office) -> None:
    stranger = filled.join(uuid7())
    everything = Filters(types=(MARKDOWN, "text/plain"))
    assert filled.retrieval.find(stranger, "annual leave", Wish(filters=everything)).passages == ()


def test_tags_are_put_on_by_who_may_read_and_told_to_who_may_read(filled: Office) -> None:
    leave, travel = (one.document for one in filled.find("annual leave employee journey").passages[:2])
    document = leave if filled.document(leave).tags else travel
    assert filled.document(document).tags == ("hr", "policy")
    assert tag(filled, document, " ＨＲ ", "hr", "Leave 2026") == ("hr", "leave 2026")
    stranger = filled.join(uuid7())
    with filled.databases.app.session(stranger.tenant) as session:
        assert Tagging(session, stranger).all() == []
        with pytest.raises(DocumentNotFound):
            Tagging(session, stranger).set(document, ["x"])
    with filled.databases.app.session(filled.me.tenant) as session:
        assert Tagging(session, filled.me).all() == [("hr", 1), ("leave 2026", 1)]
        session.execute(text("update documents set readers = '{user:x}' where id = :id"), {"id": document})
        with pytest.raises(DocumentNotFound):
            Tagging(session, member(filled.me.tenant)).set(document, ["x"])
        assert Tagging(session, filled.me).all() == []


@pytest.mark.parametrize("tags", [[""], ["a,b"], ["a\nb"], ["x" * 51], [str(number) for number in range(51)]])
def test_what_is_no_tag_is_refused(filled: Office, tags: list[str]) -> None:
    document = filled.find("annual leave").passages[0].document
    before = filled.document(document).tags
    with pytest.raises(BadTag):
        tag(filled, document, *tags)
    assert filled.document(document).tags == before


def test_a_type_is_named_by_suffix_or_media_type() -> None:
    assert media_types(["pdf", ".DOCX", "docm", "text/markdown"]) == (PDF, DOCX, MARKDOWN)
    with pytest.raises(TypeUnknown, match="exe"):
        media_types(["pdf", "exe"])


def test_days_are_whole_and_in_utc() -> None:
    filters = SearchBody.model_validate({"query": "x", "since": "2025-03-01", "until": "2025-03-01"}).wish().filters
    assert filters.since == DAY - timedelta(days=1)
    assert filters.until == DAY
    endless = SearchBody.model_validate({"query": "x", "until": "9999-12-31"}).wish().filters
    assert endless.until is None
