"""Routes of questions and conversations: translation only."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from appliance.access.permissions import Action
from appliance.access.principal import Principal
from appliance.access.web import Caller, Tx, allow
from appliance.chat import schemas
from appliance.chat.answering import Answering
from appliance.chat.prepared import Asking
from appliance.chat.service import Conversations
from appliance.chat.stream import EventStream, whole
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.licensing.points import Point
from appliance.licensing.web import licensed
from appliance.tenants.once import ONCE, OnceRoute

router = APIRouter(
    prefix="/api/v1", tags=["chat"], dependencies=[allow(Action.ASK), licensed(Point.ASKING)], route_class=OnceRoute
)

Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]
Accept = Annotated[str, Header()]
EVENTS = "text/event-stream"
_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.AnswerView, "content": {EVENTS: {"schema": {"type": "string"}}}}
}


def answering(request: Request) -> Answering:
    """The answering of this process."""
    found: Answering = request.app.state.answering
    return found


Answers = Annotated[Answering, Depends(answering)]


@router.post("/ask", responses=_ANSWER, response_model=None)
async def ask(body: schemas.AskBody, principal: Caller, answers: Answers, accept: Accept = "") -> Response:
    """Ask the documents. The answer is JSON, or events with ``Accept: text/event-stream``."""
    return await _answer(body, body.conversation, principal, answers, accept)


@router.post("/conversations/{conversation_id}/messages", responses=_ANSWER, response_model=None)
async def post_message(
    conversation_id: UUID, body: schemas.MessageBody, principal: Caller, answers: Answers, accept: Accept = ""
) -> Response:
    """Ask in a conversation, as ``/ask`` does."""
    return await _answer(body, conversation_id, principal, answers, accept)


@router.get("/conversations")
def list_conversations(
    session: Tx, principal: Caller, cursor: str | None = None, limit: Limit = DEFAULT_LIMIT
) -> schemas.ConversationList:
    """List your conversations, newest first."""
    page = Conversations(session, principal).list(cursor, limit)
    items = [schemas.ConversationView.of(one) for one in page.items]
    return schemas.ConversationList(items=items, next_cursor=page.next_cursor)


@router.post("/conversations", status_code=201, dependencies=[ONCE])
def create_conversation(body: schemas.ConversationBody, session: Tx, principal: Caller) -> schemas.ConversationView:
    """Begin a conversation."""
    return schemas.ConversationView.of(Conversations(session, principal).create(body.title))


@router.get("/conversations/{conversation_id}")
def show_conversation(conversation_id: UUID, session: Tx, principal: Caller) -> schemas.ConversationView:
    """Show one of your conversations."""
    return schemas.ConversationView.of(Conversations(session, principal).one(conversation_id))


@router.delete("/conversations/{conversation_id}", status_code=204)
def delete_conversation(conversation_id: UUID, session: Tx, principal: Caller) -> None:
    """Delete a conversation with its messages."""
    Conversations(session, principal).remove(conversation_id)


@router.get("/conversations/{conversation_id}/messages")
def list_messages(
    conversation_id: UUID, session: Tx, principal: Caller, cursor: str | None = None, limit: Limit = DEFAULT_LIMIT
) -> schemas.MessageList:
    """List the messages of a conversation, oldest first, with their citations."""
    page = Conversations(session, principal).messages(conversation_id, cursor, limit)
    items = [schemas.MessageView.of(one) for one in page.items]
    return schemas.MessageList(items=items, next_cursor=page.next_cursor)


async def _answer(
    body: schemas.MessageBody, conversation: UUID | None, principal: Principal, answers: Answering, accept: str
) -> Response:
    collections = tuple(body.collections) if body.collections is not None else None
    asking = Asking(body.question, collections, conversation, quoted_only=body.mode == "quoted")
    events = answers.stream(await answers.prepare(asking, principal))
    return EventStream(events) if EVENTS in accept else JSONResponse(await whole(events))
