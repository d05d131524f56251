"""Search over a real socket, by the API and by its verb, with documents that were really taken in."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from appliance.access.web import Databases
from appliance.entry import web
from appliance.entry.cli.search import NotADay
from appliance.kit.errors import ApplianceError, NotFound
from appliance.kit.settings import Settings
from appliance.knowledge.parsing.host import ParserHost
from appliance.knowledge.parsing.limits import ParseLimits
from tests.factories.cli import Run, document, run
from tests.factories.serving import listening
from tests.integration.knowledge.office import Office, member
from tests.integration.web.conftest import House, roomy

LEAVE = "# Leave\n\nEach employee has 25 days of annual leave.\n\n# Moving\n\nWhoever moves house has one day off."


@pytest.fixture
def url(settings: Settings, databases: Databases, house: House) -> Iterator[str]:
    app = web.build(roomy(settings, databases))
    with ParserHost(ParseLimits(seconds=30, file_bytes=10_000_000)) as parser:
        office = Office(databases, settings.layout.blobs, parser)
        office.me = member(house.one)
        office.collection = office.create("handbook")
        office.ready("leave.md", LEAVE)
        office.ready("copy.md", LEAVE)
        office.ready("假期.txt", "員工每年享有十五天帶薪年假，須提前兩週申請。")
        office.pushed(office.source("wiki"), "wiki.txt", "The warehouse opens at seven.")
    app.state.passages = office.retrieval
    with listening(web.server(app, settings)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def cli(url: str, house: House, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Verbs of an editor of tenant one."""
    monkeypatch.setenv("APPLIANCE_URL", url)
    monkeypatch.setenv("APPLIANCE_KEY", house.member_of_one)
    return run


def test_a_hit_tells_scores_marks_and_what_says_the_same(url: str, house: House) -> None:
    asked = {"query": "annual leave of an employee", "limit": 1, "stitch": 1}
    found = httpx.post(f"{url}/api/v1/search", json=asked, headers=House.bearer(house.member_of_one)).json()
    hit = found["hits"][0]
    assert {hit["document"], hit["same"][0]["document"]} == {"leave.md", "copy.md"}
    assert hit["scores"]["sparse"]["rank"] >= 1
    assert {"annual", "leave"} <= {hit["text"][mark["start"] : mark["end"]] for mark in hit["highlights"]}
    assert found["timings"]["total_ms"] > 0
    assert hit["chunk_id"] in hit["chunk_ids"]


def test_the_verb_shows_where_and_narrows(cli: Run) -> None:
    code, printed = cli("search", "annual leave", "--limit", 1)
    assert (code, "annual leave" in printed, "the same in: " in printed) == (0, True, True)
    assert "the same in" not in cli("search", "annual leave", "--fold", "none")[1]
    only = document(cli("search", "annual leave", "--type", "md", "--fold", "none", "--json")[1])["hits"]
    assert {hit["document"] for hit in only} == {"leave.md", "copy.md"}
    chinese = document(cli("search", "年假", "--language", "zh", "--since", "2026-01-01", "--json")[1])["hits"]
    assert {hit["document"] for hit in chinese} == {"假期.txt"}
    assert "Nothing was found." in cli("search", "annual leave", "--until", "2020-01-01")[1]
    assert "Nothing was found." in cli("search", "annual leave", "--type", "pdf")[1]
    assert "Moving" in cli("search", "annual leave", "--type", "md", "--limit", 1, "--stitch", 1)[1]
    of_wiki = document(cli("search", "warehouse", "--source", "wiki", "--json")[1])["hits"]
    assert {hit["document"] for hit in of_wiki} == {"wiki.txt"}


def test_tags_are_put_on_and_taken_off_and_narrow(cli: Run) -> None:
    assert "has hr, policy." in cli("documents", "tag", "leave.md", "--add", "Policy", "--add", "HR")[1]
    assert {one["document"] for one in document(cli("search", "leave", "--tag", "hr", "--json")[1])["hits"]} == {
        "leave.md"
    }
    assert document(cli("documents", "tags", "--json")[1]) == {
        "items": [{"tag": "hr", "documents": 1}, {"tag": "policy", "documents": 1}]
    }
    assert "policy" in cli("documents", "show", "leave.md")[1]
    assert document(cli("documents", "tag", "leave.md", "-r", "HR", "-r", "policy", "--json")[1])["tags"] == []
    assert "No document has a tag." in cli("documents", "tags")[1]
    assert "has no tag." in cli("documents", "tag", "leave.md")[1]


def test_what_cannot_be_is_refused_with_a_sentence(cli: Run) -> None:
    with pytest.raises(NotADay):
        cli("search", "leave", "--since", "yesterday")
    for arguments, code in (
        (("search", "leave", "--type", "exe"), "type_unknown"),
        (("search", "leave", "--tag", "a,b"), "bad_tag"),
        (("search", "leave", "--language", "Klingon"), "invalid_request"),
        (("search", "leave", "--source", "nowhere"), "source_not_found"),
        (("search", "leave", "--fold", "maybe"), "invalid_request"),
    ):
        with pytest.raises(ApplianceError) as failure:
            cli(*arguments)
        assert failure.value.problem()["code"] == code


def test_the_glossary_is_kept_by_verbs_and_expands_at_once(cli: Run, tmp_path: Path) -> None:
    assert "The glossary is empty." in cli("glossary", "list")[1]
    assert "PTO stands for annual leave, 年假." in cli("glossary", "set", "PTO", "annual leave", "年假")[1]
    found = document(cli("search", "how much pto", "--json")[1])
    assert found["expanded"] == [{"said": "PTO", "others": ["annual leave", "年假"]}]
    assert {"annual", "leave"} <= {
        hit["text"][mark["start"] : mark["end"]] for hit in found["hits"] for mark in hit["highlights"]
    }
    file = tmp_path / "terms.csv"
    file.write_text("PTO,paid time off\n\nQA,quality assurance,质量保证\n", encoding="utf-8-sig")
    assert "2 entries were taken in." in cli("glossary", "import", file)[1]
    listed = document(cli("glossary", "list", "--json")[1])["items"]
    assert [(one["term"], one["expansions"]) for one in listed] == [
        ("PTO", ["paid time off"]),
        ("QA", ["quality assurance", "质量保证"]),
    ]
    assert "'PTO' is deleted." in cli("glossary", "delete", "pto")[1]
    with pytest.raises(NotFound):
        cli("glossary", "delete", "pto")
    assert document(cli("search", "how much pto", "--json")[1])["expanded"] == []
