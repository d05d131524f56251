"""How passages are given: marked, folded, with their neighbours; and what of it is audited."""

from uuid import UUID

import pytest
from sqlalchemy import text

from appliance.knowledge.stitching import Run, runs
from appliance.knowledge.wish import Wish
from tests.integration.knowledge.office import Office
from tests.integration.knowledge.test_sharing import shared

ONE, TWO = UUID(int=1), UUID(int=2)
RUNS = [
    ([], 1, []),
    ([(ONE, 0)], 1, [Run(ONE, 0, 1, (0,))]),
    ([(ONE, 5), (TWO, 5)], 2, [Run(ONE, 3, 7, (0,)), Run(TWO, 3, 7, (1,))]),
    ([(ONE, 9), (ONE, 5), (ONE, 7)], 1, [Run(ONE, 4, 10, (0, 1, 2))]),
    ([(TWO, 0), (ONE, 9), (ONE, 5)], 1, [Run(TWO, 0, 1, (0,)), Run(ONE, 8, 10, (1,)), Run(ONE, 4, 6, (2,))]),
    ([(ONE, 8), (ONE, 5)], 1, [Run(ONE, 4, 9, (0, 1))]),
]


@pytest.mark.parametrize(("found", "around", "expected"), RUNS)
def test_passages_that_meet_are_one_run(found: list[tuple[UUID, int]], around: int, expected: list[Run]) -> None:
    assert runs(found, around) == expected


PARAGRAPHS = [
    f"# Part {n}\n\nThe {word} of hall {n} is serviced every {n + 30} weeks."
    for n, word in enumerate(("pump", "valve", "lathe", "crane", "press", "saw"))
]
WHOLE = "\n\n".join(PARAGRAPHS)


@pytest.fixture
def halls(office: Office) -> Office:
    office.ready("halls.md", WHOLE)
    return office


def test_a_passage_comes_with_its_neighbours_cut_from_the_document(halls: Office) -> None:
    alone = halls.search("How often is the lathe serviced?", Wish(limit=1)).passages[0]
    wide = halls.search("How often is the lathe serviced?", Wish(limit=1, stitch=1)).passages[0]
    told = halls.text(alone.document)
    assert alone.chunk == wide.chunk
    assert len(wide.chunks) == 3
    assert (wide.start < alone.start, wide.end > alone.end) == (True, True)
    assert wide.text == told[wide.start : wide.end]
    assert "valve" in wide.text
    assert "crane" in wide.text
    assert "pump" not in wide.text
    assert wide.line < alone.line
    assert [wide.text[start:end] for start, end in wide.marks].count("lathe") == 1


def test_passages_that_meet_are_shown_once(halls: Office) -> None:
    found = halls.search("valve lathe press", Wish(limit=3)).passages
    assert len(found) == 3
    wide = halls.search("valve lathe press", Wish(limit=3, stitch=1)).passages
    assert len(wide) == 1
    assert wide[0].chunk == found[0].chunk
    assert len(wide[0].chunks) == 6
    assert wide[0].text == halls.text(wide[0].document)[wide[0].start : wide[0].end]


def test_at_the_ends_of_a_document_there_are_fewer_neighbours(halls: Office) -> None:
    first = halls.search("pump", Wish(limit=1, stitch=3)).passages[0]
    assert (first.start, len(first.chunks)) == (0, 4)


def test_a_revoke_between_search_and_stitching_leaves_nothing(halls: Office) -> None:
    found = halls.retrieval.find(halls.me, "lathe").passages
    shared(halls, found[0].document, ["user:nobody"])
    assert halls.search("lathe", Wish(stitch=2)).passages == ()


def test_what_says_the_same_stands_under_the_best_and_is_audited(halls: Office) -> None:
    halls.ready("copy.md", WHOLE.replace("is serviced", "is  serviced"))
    plain = halls.search("lathe of hall 2", Wish(limit=2)).passages
    assert {one.name for one in plain} == {"halls.md", "copy.md"}
    folded = halls.search("lathe of hall 2", Wish(limit=2, fold="alike")).passages
    assert {one.name for one in (folded[0], *folded[0].same)} == {"halls.md", "copy.md"}
    assert folded[1].text != folded[0].text
    with halls.databases.operator.session() as session:
        query = "select details from audit_entries where action = 'document.search' order by id desc limit 1"
        assert len(session.execute(text(query)).scalar_one()["documents"]) == 2


def test_a_folded_search_goes_on_until_it_has_as_many_as_wished(halls: Office) -> None:
    for number in range(30):
        halls.ready(f"copy-{number}.md", PARAGRAPHS[2])
    halls.retrieval.depth = 5
    found = halls.retrieval.find(halls.me, "lathe crane", Wish(3, fold="alike")).passages
    assert len(found) == 3
    assert len({one.text for one in found}) == 3


def test_chat_is_not_given_the_same_letters_twice(halls: Office) -> None:
    halls.ready("copy.md", WHOLE)
    found = halls.retrieval.find(halls.me, "lathe", Wish(4, fold="same")).passages
    assert len({one.text for one in found}) == len(found) == 4
