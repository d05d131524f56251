"""Routes of jobs: translation only."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from appliance.access.permissions import Action
from appliance.access.principal import Principal
from appliance.access.web import Authenticate, Caller, Databases, Tx, allow, credential
from appliance.audit.service import Audit
from appliance.jobs.schemas import JobList, JobView
from appliance.jobs.service import Jobs
from appliance.jobs.sight import seen
from appliance.jobs.states import State
from appliance.jobs.stream import Followed, News, Places, Read, follow
from appliance.kit import offload
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT

router = APIRouter(prefix="/api/v1", tags=["jobs"])

READ = [allow(Action.READ_JOBS)]
BATCH = 200
"""Events read at once."""
PLACES = Places(64)


def _jobs(session: Session, principal: Principal, request: Request) -> Jobs:
    state = request.app.state
    return Jobs(session, principal.tenant, state.endings, seen(principal, state.jobs_readable))


def _service(session: Tx, principal: Caller, request: Request) -> Jobs:
    return _jobs(session, principal, request)


Service = Annotated[Jobs, Depends(_service)]


@router.get("/jobs", dependencies=READ)
def list_jobs(
    jobs: Service,
    state: State | None = None,
    kind: str | None = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_LIMIT)] = DEFAULT_LIMIT,
) -> JobList:
    """List jobs, newest first: your own and those of documents that you may read; for administrators all."""
    page = jobs.list(cursor, limit, state, kind)
    return JobList(items=[JobView.of(job) for job in page.items], next_cursor=page.next_cursor)


@router.get("/jobs/{job_id}", dependencies=READ)
def show_job(job_id: UUID, jobs: Service) -> JobView:
    """Show a job."""
    return JobView.of(jobs.one(job_id))


@router.post("/jobs/{job_id}/cancel", dependencies=[allow(Action.CANCEL_JOBS)])
def cancel_job(job_id: UUID, jobs: Service, session: Tx, principal: Caller) -> JobView:
    """Cancel: a waiting job at once, a running one at its next poll; an ended one is left as it is."""
    job = jobs.cancel(job_id)
    Audit(session, principal.tenant, principal.user).record("job.cancel", job_id, kind=job.kind, state=job.state)
    return JobView.of(job)


@router.get(
    "/jobs/{job_id}/events",
    dependencies=READ,  # authenticates; the stream does so again at every look
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}, 204: {"description": "It has ended and all was told"}},
)
async def follow_job(job_id: UUID, request: Request, last_event_id: Annotated[int, Header(ge=0)] = 0) -> Response:
    """Follow a job: events ``state``, ``progress``, ``metric``, ``log``, ``other``, resumed by ``Last-Event-ID``."""
    read = reader(request, job_id)
    news = await offload.run(read, last_event_id)
    if news.complete and not news.events:
        return Response(status_code=204)  # the one answer after which an EventSource does not connect again
    return Followed(PLACES.one(request.state.principal.user), follow(read, news, last_event_id))


def reader(request: Request, job_id: UUID) -> Read:
    """Looks at the job's events as this caller, authenticated anew each time: a revoked key ends its streams."""
    databases: Databases = request.app.state.databases
    authenticate: Authenticate = request.app.state.authenticate
    token = credential(request)

    def read(after: int) -> News:
        principal = authenticate(token)
        with databases.app.session(principal.tenant) as session:
            jobs = _jobs(session, principal, request)
            ended = jobs.one(job_id).state.final  # first the state: events cannot follow a final one
            events = jobs.events(job_id, after, BATCH)
        return News(events, complete=ended and len(events) < BATCH)

    return read
