"""Routes of the audit record: translation only. All tenants, no content; for operators and auditors."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from appliance.access.permissions import Action
from appliance.access.web import Databases, allow
from appliance.audit.chain import Signer
from appliance.audit.reading import Filter, Reading
from appliance.audit.schemas import EntryList, EntryView, HeadList, HeadView, VerdictView
from appliance.audit.sequencer import Sequencer
from appliance.kit import crypto
from appliance.kit.errors import NotFound
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT

router = APIRouter(prefix="/api/v1", tags=["audit"], dependencies=[allow(Action.READ_AUDIT)])
NDJSON = "application/x-ndjson"


class NothingChained(NotFound):
    """The record has no entry yet."""

    code = "nothing_chained"
    advice = "There is something to sign after the first act."


def reading(request: Request) -> Reading:
    """The record."""
    databases: Databases = request.app.state.databases
    return Reading(databases.operator)


def sequencer(request: Request) -> Sequencer:
    """Chains and signs now, as the worker does each second."""
    databases: Databases = request.app.state.databases
    settings = request.app.state.settings
    return Sequencer(databases.system, Signer(crypto.kept(settings.layout.secret("audit-key"))), settings.audit)


Record = Annotated[Reading, Depends(reading)]
Chainer = Annotated[Sequencer, Depends(sequencer)]
Moment = Annotated[AwareDatetime | None, Query(examples=["2026-11-24T00:00:00Z"])]


def asked(
    actor: UUID | None = None,
    action: Annotated[str | None, Query(max_length=200)] = None,
    outcome: Annotated[str | None, Query(max_length=20, examples=["refused"])] = None,
    tenant: UUID | None = None,
    since: Moment = None,
    until: Moment = None,
) -> Filter:
    """Which entries are asked for."""
    return Filter(actor, action, outcome, tenant, since, until)


@router.get("/audit")
def list_entries(
    record: Record,
    which: Annotated[Filter, Depends(asked)],
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_LIMIT)] = DEFAULT_LIMIT,
) -> EntryList:
    """List who did what, newest first; refused acts too."""
    page = record.entries(which, cursor, limit)
    return EntryList(items=[EntryView(**item) for item in page.items], next_cursor=page.next_cursor)


@router.get("/audit/heads")
def list_heads(
    record: Record,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=LARGEST_LIMIT)] = DEFAULT_LIMIT,
) -> HeadList:
    """List the signed heads of the chain, by number. Keep one elsewhere: a cut tail shows against it."""
    return HeadList(items=[HeadView.of(head) for head in record.heads(after, limit)])


@router.post("/audit/heads")
def sign_head(chainer: Chainer) -> HeadView:
    """Chain what waits and sign where the chain stands now; the same head again while nothing was added."""
    head = chainer.head()
    if head is None:
        raise NothingChained
    return HeadView.of(head)


@router.get("/audit/verify")
def verify_chain(record: Record) -> VerdictView:
    """Walk the whole chain against its signed heads and name the first break."""
    return VerdictView.of(record.verify())


@router.post("/audit/verify")
def verify_against(record: Record, kept: HeadView) -> VerdictView:
    """The same, also against a head that was kept elsewhere."""
    return VerdictView.of(record.verify((kept.head(),)))


@router.get(
    "/audit/export",
    response_class=StreamingResponse,
    responses={200: {"content": {NDJSON: {}}, "description": "OCSF events, one a line, then the signed heads"}},
)
def export(record: Record, chainer: Chainer, since: Moment = None, until: Moment = None) -> StreamingResponse:
    """Export what was chained in a time, by number; without a time all of it, after signing a head over it."""
    if until is None:
        chainer.head()
    return StreamingResponse(record.export(since, until), media_type=NDJSON)
