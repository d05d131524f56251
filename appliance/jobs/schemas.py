"""Jobs as the API tells them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel

from appliance.jobs.job import Job
from appliance.jobs.states import State


class JobView(BaseModel):
    """A job as it stands."""

    id: UUID
    kind: str
    args: Mapping[str, Any]
    state: State
    stage: str | None
    done: int
    total: int | None
    attempt: int
    error_code: str | None
    error: str | None
    advice: str | None
    result: Mapping[str, Any]
    cancel_requested: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> Self:
        """The view of a job."""
        reason = job.reason
        return cls(
            id=job.id,
            kind=job.kind,
            args=job.args,
            state=job.state,
            stage=job.progress.stage,
            done=job.progress.done,
            total=job.progress.total,
            attempt=job.tries.attempts,
            error_code=reason.code if reason else None,
            error=reason.detail if reason else None,
            advice=reason.advice if reason else None,
            result=job.result,
            cancel_requested=job.cancel_requested,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
        )


class JobList(BaseModel):
    """A page of jobs, newest first."""

    items: list[JobView]
    next_cursor: str | None
