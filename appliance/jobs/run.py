"""What a handler holds while it works: its job, its pulse and the guarded way to write."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Session

from appliance.access.principal import TenantId
from appliance.jobs import ending
from appliance.jobs.job import Args, Ending, EventKind, JobId, Lease, Progress
from appliance.jobs.pulse import Pulse
from appliance.jobs.repository import JobRepository
from appliance.jobs.service import Jobs
from appliance.jobs.states import State, Verdict
from appliance.kit import clock
from appliance.kit.database import Database

PROGRESS_PAUSE = 0.5
"""Seconds between two progress events of one stage."""
_NONE: Mapping[str, Ending] = {}


class Run:
    """One attempt at one job. Every write is refused once another worker holds a higher token.

    Each method that talks to the database may raise what :meth:`check` raises; let it pass through the handler.
    """

    def __init__(self, lease: Lease, database: Database, pulse: Pulse, endings: Mapping[str, Ending] = _NONE) -> None:
        self.lease = lease
        self.ended = False
        self._endings = endings
        self._database = database
        self._pulse = pulse
        self._progress = Progress()
        self._told_at = float("-inf")

    @property
    def job(self) -> JobId:
        """The job's id."""
        return self.lease.job

    @property
    def tenant(self) -> TenantId:
        """Whose job it is."""
        return self.lease.tenant

    @property
    def args(self) -> Args:
        """What was asked for."""
        return self.lease.args

    @property
    def attempt(self) -> int:
        """From 1."""
        return self.lease.tries.attempts

    def cancelled(self) -> bool:
        """Whether somebody asked to cancel, or this run has to stop for another reason; then :meth:`check` raises."""
        return self._pulse.stopped

    def check(self) -> None:
        """Raise Cancelled, Interrupted (the worker is being stopped) or LeaseLost when there is reason to stop."""
        self._pulse.check()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction of the job's tenant. It commits only if this run still holds the lease."""
        self.check()
        with self._database.session(self.tenant) as session:
            yield session
            session.flush()
            JobRepository(session).hold(self.job, self.lease.token)

    @contextmanager
    def last(self, result: Mapping[str, Any]) -> Iterator[Session]:
        """The transaction that ends the job too, as succeeded: what it writes and that end are one commit.

        For handlers whose work ends with a write; nothing of the job may follow it.
        """
        self.check()
        with self._database.session(self.tenant) as session:
            yield session
            session.flush()
            job = JobRepository(session).guard(self.job, self.lease.token)
            ending.settle(session, job, Verdict(State.SUCCEEDED, self.lease.tries), self._endings, result)
        self.ended = True

    def jobs(self, session: Session) -> Jobs:
        """For asking for further jobs."""
        return Jobs(session, self.tenant)

    def progress(self, done: int, total: int | None = None, stage: str | None = None) -> None:
        """Tell how far it is; call it as often as you like, a new stage and the end are told at once."""
        before, self._progress = self._progress, Progress(done, total, stage)
        at_once = before.stage != stage or (total is not None and done >= total)
        if before == self._progress or (not at_once and clock.monotonic() - self._told_at < PROGRESS_PAUSE):
            self.check()
            return
        self._told_at = clock.monotonic()
        values = {"done": done, "total": total, "stage": stage}
        self._tell(EventKind.PROGRESS, values, values)

    def metric(self, name: str, value: float, step: int | None = None) -> None:
        """Record a figure, for a curve."""
        self._tell(EventKind.METRIC, {"name": name, "value": value, "step": step})

    def log(self, message: str, level: str = "info", **fields: Any) -> None:  # noqa: ANN401 - any JSON value
        """Add a line to what the user sees of this job."""
        self._tell(EventKind.LOG, {**fields, "level": level, "message": message})

    def _tell(self, kind: EventKind, data: Mapping[str, Any], columns: Mapping[str, object] | None = None) -> None:
        self.check()
        with self._database.session(self.tenant) as session:
            rows = JobRepository(session)
            rows.hold(self.job, self.lease.token)
            if columns:
                rows.set(self.job, **columns)
            rows.append(self.tenant, self.job, kind, data)
