"""Routes of the catalogue's entries: translation only."""

from typing import Annotated

from fastapi import APIRouter, Query

from appliance.access.permissions import Action
from appliance.access.web import allow
from appliance.catalog import entry, schemas
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT

router = APIRouter(prefix="/catalog/entries", dependencies=[allow(Action.READ_MODELS)])


@router.get("")
def list_entries(
    cursor: entry.Name | None = None, limit: Annotated[int, Query(ge=1, le=LARGEST_LIMIT)] = DEFAULT_LIMIT
) -> schemas.EntryList:
    """List what the catalogue knows of models, by name: parameters, languages, licence terms, how each is served."""
    after = [found for name, found in entry.load().items() if cursor is None or name > cursor]
    shown = after[:limit]
    return schemas.EntryList(
        items=[_view(item) for item in shown], next_cursor=shown[-1].name if len(after) > limit else None
    )


@router.get("/{entry_name}")
def show_entry(entry_name: entry.Name) -> schemas.EntryView:
    """Show one entry; ``doubts``: what stands in the way of its activation."""
    return _view(entry.one(entry_name))


def _view(found: entry.Entry) -> schemas.EntryView:
    return schemas.EntryView(**dict(found), doubts=found.licence.doubts)
