"""A search is narrowed to what came from a source; who may read nothing of a source does not learn that it is there."""

from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from appliance.access.principal import Principal, Role
from appliance.kit.ids import uuid7
from appliance.knowledge import narrowing
from appliance.knowledge.search_schemas import SearchBody
from appliance.knowledge.sources.errors import SourceNotFound
from appliance.knowledge.sources.pushing import Pushing
from appliance.knowledge.wish import Filters, Wish
from tests.integration.knowledge.office import Office, member

ASKED = "annual leave"


@dataclass(frozen=True, slots=True)
class Fed:
    """An office with an upload and two sources, ``wiki`` and ``share``, of a document each; ``bare`` has none."""

    office: Office
    wiki: UUID
    bare: UUID
    from_wiki: UUID

    def names(self, *sources: str, who: Principal | None = None, **filters: tuple[str, ...]) -> set[str]:
        wish = Wish(filters=Filters(sources=sources, **filters))  # type: ignore[arg-type] # tuples of str alone
        return {one.name for one in self.office.retrieval.find(who or self.office.me, ASKED, wish).passages}

    def run(self, statement: str, **values: object) -> None:
        with self.office.databases.app.session(self.office.me.tenant) as session:
            session.execute(text(statement), values)


@pytest.fixture
def fed(office: Office) -> Fed:
    office.ready("upload.md", "# Leave\n\nEach employee has 25 days of annual leave.")
    wiki, share, bare = (office.source(name) for name in ("wiki", "share", "bare"))
    page = office.pushed(wiki, "page.md", "# Leave\n\nAnnual leave is asked for a week before.")
    office.pushed(share, "file.txt", "Annual leave that is left over ends in March.")
    return Fed(office, wiki, bare, page.id)


@pytest.mark.parametrize("named", [narrowing.MOST_NAMED, 0])
def test_only_what_came_from_the_sources_is_found(fed: Fed, named: int) -> None:
    fed.office.retrieval.most_named = named
    assert fed.names() == {"upload.md", "page.md", "file.txt"}
    assert fed.names("wiki") == fed.names(str(fed.wiki)) == {"page.md"}
    assert fed.names("wiki", "share", "wiki") == {"page.md", "file.txt"}
    assert fed.names("wiki", "share", types=("text/plain",)) == {"file.txt"}


def test_a_source_that_is_not_there_is_named(fed: Fed) -> None:
    for name in ("nowhere", str(uuid7()), "wiki\u0301", "WIKI"):
        with pytest.raises(SourceNotFound, match=name):
            fed.names("wiki", name)


def test_it_is_there_for_who_may_read_something_of_it_and_for_who_manages_it(fed: Fed) -> None:
    tenant = fed.office.me.tenant
    admin = replace(member(tenant), role=Role.TENANT_ADMIN)
    assert fed.names("bare", who=admin) == set()
    with pytest.raises(SourceNotFound):
        fed.names("bare")
    fed.run("update documents set readers = '{user:x}' where id = :id", id=fed.from_wiki)
    for name in ("wiki", str(fed.wiki)):
        with pytest.raises(SourceNotFound):
            fed.names(name)
        assert fed.names(name, who=admin) == set(), "that somebody manages sources opens no document"
        with pytest.raises(SourceNotFound):
            fed.names(name, who=fed.office.join(uuid7()))
    scoped = replace(admin, scopes=frozenset({"ask"}))
    with pytest.raises(SourceNotFound):
        fed.names("bare", who=scoped)


def test_what_is_gone_from_a_source_is_not_found_by_it_any_more(fed: Fed) -> None:
    with fed.office.databases.app.session(fed.office.me.tenant) as session:
        Pushing(session, fed.office.me).delete(fed.wiki, "page.md")
    with pytest.raises(SourceNotFound):
        fed.names("wiki")
    fed.office.settle()
    assert fed.names("share") == {"file.txt"}


@pytest.mark.parametrize("sources", ["wiki", [7], [None], ["x"] * 101])
def test_what_are_no_sources_is_refused(sources: object) -> None:
    with pytest.raises(ValidationError):
        SearchBody.model_validate({"query": ASKED, "sources": sources})
