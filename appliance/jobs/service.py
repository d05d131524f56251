"""Jobs of one tenant: asked for, looked at, cancelled. Works in the caller's transaction and never commits."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from appliance.access.principal import TenantId
from appliance.jobs import ending, ringing
from appliance.jobs.job import Ending, Event, EventKind, Job, JobId
from appliance.jobs.repository import JobRepository, identities
from appliance.jobs.states import State, Verdict
from appliance.kit import paging

_NONE: Mapping[str, Ending] = {}


class Jobs:
    """The jobs of one tenant. ``endings`` are told in the same transaction when a job is cancelled before it began.

    ``seen`` limits which jobs there are for who asks (``jobs.sight``).
    """

    def __init__(
        self,
        session: Session,
        tenant: TenantId,
        endings: Mapping[str, Ending] = _NONE,
        seen: ColumnElement[bool] | None = None,
    ) -> None:
        self._session = session
        self._tenant = tenant
        self._endings = endings
        self._rows = JobRepository(session, seen)

    def ask(self, kind: str, args: Mapping[str, Any], key: str | None = None, *, outlives: bool = False) -> JobId:
        """Write a job, in this transaction; a worker is woken once it has committed, unless enough others wait already.

        ``args`` are JSON values. With a ``key``, an open job of the same kind and key is given instead of a second one.
        One that ``outlives`` its asker is not ended by a suspension.
        """
        job, unheard = self._rows.insert(self._tenant, kind, args, key, outlives=outlives)
        if unheard:
            ringing.remember(self._session, job)
        return job

    def one(self, job: UUID) -> Job:
        """Raises :class:`appliance.jobs.errors.JobNotFound`."""
        return self._rows.one(job)

    def list(
        self, cursor: str | None, limit: int, state: State | None = None, kind: str | None = None
    ) -> paging.Page[Job]:
        """A page of jobs, newest first."""
        found = self._rows.newest(limit + 1, paging.decode(cursor), state, kind)
        return paging.page(found, limit, identities(found))

    def events(self, job: UUID, after: int = 0, limit: int = 500) -> tuple[Event, ...]:
        """What happened to it after event number ``after``. Raises :class:`appliance.jobs.errors.JobNotFound`."""
        self._rows.one(job)
        return self._rows.events(job, after, limit)

    def cancel(self, job: UUID) -> Job:
        """A waiting job is cancelled at once, a running one at its next poll, an ended one is left as it is."""
        found = self._rows.one(job, lock=True)
        if found.state is State.QUEUED:
            ending.settle(self._session, found, Verdict(State.CANCELLED, found.tries), self._endings)
        elif found.state is State.RUNNING and not found.cancel_requested:
            self._rows.set(found.id, cancel_requested=True)
            self._rows.append(self._tenant, found.id, EventKind.STATE, {"state": found.state, "cancel_requested": True})
        return self._rows.one(job)
