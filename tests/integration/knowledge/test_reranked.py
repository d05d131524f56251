"""A reranker reads the best passages again; without it the search goes on."""

from pathlib import Path

import pytest

from appliance.drivers.encoder.overlap import OverlapReranker
from appliance.drivers.encoder.reranking import RemoteReranker
from appliance.knowledge.reranked import Rereading
from appliance.knowledge.search_schemas import FoundView
from appliance.knowledge.wish import Wish
from tests.integration.knowledge.office import Office

QUESTION = "which pump has straps"


@pytest.fixture
def pumps(office: Office) -> Office:
    office.ready("often.txt", "pump pump pump pump pump")
    office.ready("straps.txt", "each pump has straps which are blue and long and sold with the valve of the hall")
    for number in range(5):
        office.ready(f"{number}.txt", f"The valve {number} of a pump.")
    return office


def test_its_order_is_the_order_of_what_it_read_and_its_scores_are_told(pumps: Office) -> None:
    before = pumps.find("pump").passages
    pumps.retrieval._rereading = Rereading(OverlapReranker(), 4)
    found = pumps.retrieval.find(pumps.me, QUESTION, Wish(6))
    assert found.legs == ("sparse", "dense", "reranker")
    assert found.passages[0].name == "straps.txt"
    assert found.passages[0].places["reranker"] == (1, 1.0)
    assert [passage.places.get("reranker") is not None for passage in found.passages] == [True] * 4 + [False] * 2
    assert len(before) == 7
    view = FoundView.of(found)
    assert view.hits[0].scores["reranker"].score == 1.0
    assert view.timings.rerank_ms >= 0


def test_it_reads_more_than_is_wished_for(pumps: Office) -> None:
    pumps.retrieval._rereading = Rereading(OverlapReranker(), 7)
    assert [one.name for one in pumps.retrieval.find(pumps.me, QUESTION, Wish(1)).passages] == ["straps.txt"]
    assert pumps.retrieval.find(pumps.me, "无关", Wish(1)).passages == ()


def test_without_it_the_search_goes_on_and_says_so(pumps: Office, tmp_path: Path) -> None:
    before = [one.chunk for one in pumps.find(QUESTION, 3).passages]
    pumps.retrieval._rereading = Rereading(RemoteReranker(tmp_path / "none"), 7)
    found = pumps.find(QUESTION, 3)
    assert [one.chunk for one in found.passages] == before
    assert found.legs == ("sparse", "dense")
    assert "reranker is not ready" in str(found.note)
