"""Writing down what became of a job: the row, the event, and whoever wants to know, in one transaction."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import Session

from appliance.jobs.job import Ended, Ending, EventKind, Job
from appliance.jobs.repository import JobRepository
from appliance.jobs.states import NEXT, State, Verdict
from appliance.kit.errors import Conflict


def settle(
    session: Session,
    job: Job,
    verdict: Verdict,
    endings: Mapping[str, Ending],
    result: Mapping[str, Any] | None = None,
) -> None:
    """Give up the lease and set the state; ``session`` has the row locked and is scoped to the job's tenant."""
    if verdict.state not in NEXT[job.state]:
        message = f"a {job.state} job does not become {verdict.state}"
        raise Conflict(message)
    rows = JobRepository(session)
    values: dict[str, object] = {
        "state": verdict.state,
        "attempt": verdict.tries.attempts,
        "deferrals": verdict.tries.deferrals,
        "lease_owner": None,
        "lease_expires_at": None,
    }
    if verdict.state.final:
        values["finished_at"] = func.clock_timestamp()
    if verdict.pause:
        values["not_before"] = func.clock_timestamp() + timedelta(seconds=verdict.pause)
    if result is not None:
        values["result"] = dict(result)
    if verdict.reason:
        values |= {"error_code": verdict.reason.code, "error": verdict.reason.detail, "advice": verdict.reason.advice}
    rows.set(job.id, **values)
    rows.append(job.tenant, job.id, EventKind.STATE, _told(verdict))
    if verdict.state.final and job.kind in endings:
        endings[job.kind](session, Ended(job.id, job.tenant, job.kind, job.args, verdict.state, verdict.reason))


def _told(verdict: Verdict) -> dict[str, Any]:
    told: dict[str, Any] = {"state": verdict.state, "attempt": verdict.tries.attempts}
    if verdict.pause:
        told["pause"] = verdict.pause
    if verdict.reason:
        told |= {"code": verdict.reason.code, "detail": verdict.reason.detail}
    if verdict.state is State.FAILED and verdict.reason:
        told["advice"] = verdict.reason.advice
    return told
