"""Routes of the glossary: translation only."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from appliance.access.permissions import Action
from appliance.access.web import Caller, Tx, allow
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.knowledge.glossary import MOST_EXPANSIONS, Entry, Glossary
from appliance.licensing.points import Point
from appliance.licensing.web import licensed
from appliance.tenants.once import ONCE, OnceRoute

router = APIRouter(prefix="/api/v1/glossary", tags=["knowledge"], route_class=OnceRoute)

READ = allow(Action.READ_DOCUMENTS)
MANAGE = allow(Action.MANAGE_COLLECTIONS)
NEW = licensed(Point.WRITING)


class ExpansionsBody(BaseModel):
    """What a term stands for: other ways to say it, in any language."""

    model_config = ConfigDict(extra="forbid")

    expansions: list[str] = Field(min_length=1, max_length=MOST_EXPANSIONS)


class TermBody(ExpansionsBody):
    """A term with what it stands for."""

    term: str = Field(max_length=200)


class TermView(BaseModel):
    """An entry of the glossary: all of it means the same."""

    id: UUID
    term: str
    expansions: list[str]

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """The view of an entry."""
        return cls(id=entry.id, term=entry.term, expansions=list(entry.expansions))


class TermList(BaseModel):
    """A page of the glossary."""

    items: list[TermView]
    next_cursor: str | None


def _glossary(session: Tx, principal: Caller) -> Glossary:
    return Glossary(session, principal)


Service = Annotated[Glossary, Depends(_glossary)]
Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]


@router.get("", dependencies=[READ])
def list_glossary(glossary: Service, cursor: str | None = None, limit: Limit = DEFAULT_LIMIT) -> TermList:
    """List the glossary: words that mean the same. A question with one of them finds the others too."""
    page = glossary.page(cursor, limit)
    return TermList(items=[TermView.of(one) for one in page.items], next_cursor=page.next_cursor)


@router.post("", status_code=201, dependencies=[MANAGE, NEW, ONCE])
def add_glossary_term(body: TermBody, glossary: Service) -> TermView:
    """Add a term with what it stands for. Questions are expanded by it at once."""
    return TermView.of(glossary.add(body.term, body.expansions))


@router.get("/{glossary_term_id}", dependencies=[READ])
def show_glossary_term(glossary_term_id: UUID, glossary: Service) -> TermView:
    """Show an entry."""
    return TermView.of(glossary.one(glossary_term_id))


@router.put("/{glossary_term_id}", dependencies=[MANAGE, NEW])
def change_glossary_term(glossary_term_id: UUID, body: ExpansionsBody, glossary: Service) -> TermView:
    """Say anew what a term stands for."""
    return TermView.of(glossary.change(glossary_term_id, body.expansions))


@router.delete("/{glossary_term_id}", status_code=204, dependencies=[MANAGE, licensed(Point.DELETING)])
def delete_glossary_term(glossary_term_id: UUID, glossary: Service) -> None:
    """Delete an entry."""
    glossary.remove(glossary_term_id)
