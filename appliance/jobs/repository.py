"""Questions and writes on job rows and events. The caller's session decides whose rows there are.

Every event is written while its job's row is locked: numbers come from one sequence, so without the lock a reader who
resumes after number 7 could miss a 6 that became visible later.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, bindparam, func, insert, literal_column, select, text, true, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from appliance.access.principal import ASKING, TenantId
from appliance.jobs.errors import JobNotFound
from appliance.jobs.job import Event, EventKind, Job, JobId, Progress
from appliance.jobs.ringing import MOST
from appliance.jobs.states import Reason, State, Tries
from appliance.jobs.tables import JobEventRow, JobRow
from appliance.kit.errors import LeaseLost
from appliance.kit.ids import uuid7
from appliance.kit.rows import take_away

_OPEN = text("state in ('queued', 'running')")
"""Literal, as in the index: with bound values PostgreSQL finds the index only until psycopg prepares the statement, at
its sixth execution."""

_AHEAD: ColumnElement[int] = literal_column(
    "(select count(*) from (select 1 from jobs as other where other.tenant_id = jobs.tenant_id "  # noqa: S608 - a number
    f"and other.state = 'queued' and other.not_before is null and not other.cancel_requested limit {MOST}) as ahead)",
    Integer,
)
"""How many of the tenant's jobs wait already; whoever runs them goes on to the next without a bell."""

_HELD = (
    select(JobRow.lease_token)
    .where(JobRow.id == bindparam("job"), JobRow.lease_token == bindparam("token"), JobRow.state == State.RUNNING)
    .with_for_update()
)
_KINDS = frozenset(EventKind) - {EventKind.OTHER}


def job_of(row: JobRow) -> Job:
    """The value that others see."""
    reason = Reason(row.error_code, row.error or "", row.advice or "") if row.error_code else None
    return Job(
        id=JobId(row.id),
        tenant=TenantId(row.tenant_id),
        kind=row.kind,
        key=row.key,
        args=row.args,
        state=State(row.state),
        progress=Progress(row.done, row.total, row.stage),
        result=row.result,
        reason=reason,
        tries=Tries(row.attempt, row.deferrals),
        cancel_requested=row.cancel_requested,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


class JobRepository:
    """Rows of jobs and their events; ``seen`` limits which are there for who asks (None: all)."""

    def __init__(self, session: Session, seen: ColumnElement[bool] | None = None) -> None:
        self._session = session
        self._seen = true() if seen is None else seen

    def insert(
        self, tenant: TenantId, kind: str, args: Mapping[str, Any], key: str | None, *, outlives: bool = False
    ) -> tuple[JobId, bool]:
        """Write a queued job; with a key that an open job of this kind has, give that one. True: ring for it."""
        while True:
            identity = uuid7()
            made = self._session.execute(
                upsert(JobRow)
                .values(id=identity, tenant_id=tenant, kind=kind, args=dict(args), key=key)
                .values(asked_by=self._session.info.get(ASKING), outlives=outlives)
                .on_conflict_do_nothing(index_elements=["tenant_id", "kind", "key"], index_where=_OPEN)
                .returning(_AHEAD)
            ).scalar_one_or_none()
            if made is not None:
                self.append(tenant, JobId(identity), EventKind.STATE, {"state": State.QUEUED})
                return JobId(identity), made < MOST
            same = select(JobRow.id).where(JobRow.tenant_id == tenant, JobRow.kind == kind, JobRow.key == key, _OPEN)
            found = self._session.execute(same).scalar_one_or_none()
            if found is not None:  # None: it ended between the two statements, so a new one may be written
                return JobId(found), False

    def one(self, job: UUID, *, lock: bool = False) -> Job:
        """Raises :class:`JobNotFound`."""
        return job_of(self._row(job, lock=lock))

    def _row(self, job: UUID, *, lock: bool) -> JobRow:
        statement = select(JobRow).where(JobRow.id == job, self._seen).execution_options(populate_existing=True)
        row = self._session.execute(statement.with_for_update() if lock else statement).scalar_one_or_none()
        if row is None:
            raise JobNotFound
        return row

    def newest(self, limit: int, before: UUID | None, state: State | None, kind: str | None) -> tuple[Job, ...]:
        """Up to ``limit`` jobs, newest first."""
        statement = select(JobRow).where(self._seen).order_by(JobRow.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(JobRow.id < before)
        if state is not None:
            statement = statement.where(JobRow.state == state)
        if kind is not None:
            statement = statement.where(JobRow.kind == kind)
        return tuple(job_of(row) for row in self._session.execute(statement).scalars())

    def open(self, tenant: UUID, limit: int) -> tuple[UUID, ...]:
        """A tenant's jobs that have not ended, the oldest first."""
        statement = select(JobRow.id).where(JobRow.tenant_id == tenant, _OPEN).order_by(JobRow.id).limit(limit)
        return tuple(self._session.execute(statement).scalars())

    def set(self, job: JobId, **values: object) -> None:
        """Change columns of a row that this session has locked."""
        self._session.execute(update(JobRow).where(JobRow.id == job).values(**values))

    def hold(self, job: JobId, token: int) -> None:
        """Lock the row for the holder of this token, without reading it. Raises :class:`LeaseLost`, for none too."""
        given = {"job": job, "token": token}
        if self._session.connection().execute(_HELD, given).one_or_none() is None:
            raise LeaseLost

    def guard(self, job: JobId, token: int, *, expired: bool = False) -> Job:
        """Lock the row for the holder of this token, or for whoever takes it back when ``expired``.

        Raises :class:`LeaseLost` when another holds the lease, or when it was renewed after all.
        """
        row = self._row(job, lock=True)
        if row.state != State.RUNNING or row.lease_token != token or (expired and not self._overdue(job)):
            raise LeaseLost
        return job_of(row)

    def _overdue(self, job: JobId) -> bool:
        overdue = select(JobRow.lease_expires_at < func.clock_timestamp()).where(JobRow.id == job)
        return bool(self._session.execute(overdue).scalar_one())

    def append(self, tenant: TenantId, job: JobId, kind: EventKind, data: Mapping[str, Any]) -> None:
        """Write an event; the caller has the row locked."""
        self._session.execute(insert(JobEventRow).values(tenant_id=tenant, job_id=job, kind=kind, data=dict(data)))

    def events(self, job: UUID, after: int, limit: int) -> tuple[Event, ...]:
        """Events with a higher number than ``after``, in order."""
        statement = (
            select(JobEventRow)
            .where(JobEventRow.job_id == job, JobEventRow.seq > after)
            .order_by(JobEventRow.seq)
            .limit(limit)
        )
        rows = self._session.execute(statement).scalars()
        return tuple(_event(row) for row in rows)

    def forget(self, *, jobs_after: timedelta, events_after: timedelta, most: int) -> int:
        """Delete up to ``most`` ended jobs and as many events of long ago; how many rows went."""
        now = func.clock_timestamp()
        gone = take_away(self._session, JobRow.id, JobRow.finished_at < now - jobs_after, most)
        return gone + take_away(self._session, JobEventRow.seq, JobEventRow.created_at < now - events_after, most)


def _event(row: JobEventRow) -> Event:
    """An event of a kind that this version does not know is ``other``: the job's other events are still told."""
    if row.kind in _KINDS:
        return Event(row.seq, EventKind(row.kind), row.data, row.created_at)
    return Event(row.seq, EventKind.OTHER, {**row.data, "kind": row.kind}, row.created_at)


def identities(jobs: Iterable[Job]) -> tuple[UUID, ...]:
    """Their ids, for a cursor."""
    return tuple(job.id for job in jobs)
