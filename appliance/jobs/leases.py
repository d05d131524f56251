"""Who works on what, across tenants, as the ``system`` login: taking, renewing and finding expired leases."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from appliance.access.principal import TenantId
from appliance.jobs import fairness
from appliance.jobs.job import EventKind, JobId, Lease
from appliance.jobs.repository import JobRepository
from appliance.jobs.states import State, Tries
from appliance.jobs.tables import JobRow

CLAIM_LOCK = 0x6A6F6201
"""Advisory lock (``job`` 1): one claim at a time, so that no tenant gets more than its share."""
SWEEP_LOCK = 0x6A6F6202

_RACES = 8
"""Claims that may be lost to a cancel in the same moment before this bell is given up."""

# A loose index scan: one step a tenant, however long its queue is.
_LINES = text("""
with recursive tenant (id) as (
    (select tenant_id from jobs where state = 'queued' order by tenant_id limit 1)
    union all
    select (select tenant_id from jobs where state = 'queued' and tenant_id > tenant.id order by tenant_id limit 1)
    from tenant where tenant.id is not null
)
select tenant.id,
       array(
           select job.id from jobs as job
           where job.state = 'queued' and job.tenant_id = tenant.id
             and job.kind = any(:kinds) and not job.cancel_requested
             and (job.not_before is null or job.not_before <= clock_timestamp())
           order by job.id limit :depth
       ),
       (select count(*) from jobs where tenant_id = tenant.id and state = 'running'),
       (select max(started_at) from jobs where tenant_id = tenant.id)
from tenant where tenant.id is not null
""")


class Leases:
    """The leases of all tenants."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def claimable(self, kinds: Sequence[str], per_tenant: int, most: int) -> tuple[UUID, ...]:
        """The jobs that may begin now, fairest first."""
        rows = self._session.execute(_LINES, {"kinds": list(kinds), "depth": per_tenant}).all()
        lines = [fairness.Line(tenant, tuple(waiting), running, served) for tenant, waiting, running, served in rows]
        return fairness.order(lines, per_tenant, most)

    def claim(self, owner: str, kinds: Sequence[str], per_tenant: int, seconds: float) -> Lease | None:
        """Take the job whose turn it is, with a token higher than any given for it before; None: nothing may begin.

        Whoever waits in line waits on: giving up would lose the bell that it was rung by.
        """
        patient = func.set_config("lock_timeout", "0", True)  # noqa: FBT003 - for this transaction, as SQL has it
        self._session.execute(select(patient, func.pg_advisory_xact_lock(CLAIM_LOCK)))
        for _ in range(_RACES):
            chosen = self.claimable(kinds, per_tenant, 1)
            if not chosen:
                return None
            lease = self._take(chosen[0], owner, seconds)
            if lease is not None:
                return lease
        return None

    def _take(self, job: UUID, owner: str, seconds: float) -> Lease | None:
        row = self._session.execute(
            update(JobRow)
            .where(JobRow.id == job, JobRow.state == State.QUEUED)
            .values(
                state=State.RUNNING,
                lease_owner=owner,
                lease_token=JobRow.lease_token + 1,
                lease_expires_at=_from_now(seconds),
                attempt=JobRow.attempt + 1,
                started_at=func.clock_timestamp(),
                not_before=None,
                done=0,
                total=None,
                stage=None,
            )
            .returning(JobRow)
            .execution_options(populate_existing=True)
        ).scalar_one_or_none()
        if row is None:
            return None
        lease = _lease(row)
        told = {"state": State.RUNNING, "attempt": row.attempt}
        JobRepository(self._session).append(lease.tenant, lease.job, EventKind.STATE, told)
        return lease

    def renew(self, lease: Lease, seconds: float) -> bool | None:
        """Prolong it. True: somebody asked to cancel; None: the lease is lost."""
        statement = (
            update(JobRow)
            .where(JobRow.id == lease.job, JobRow.lease_token == lease.token, JobRow.state == State.RUNNING)
            .values(lease_expires_at=_from_now(seconds))
            .returning(JobRow.cancel_requested)
        )
        return self._session.execute(statement).scalar_one_or_none()

    def expired(self, most: int) -> tuple[Lease, ...]:
        """Leases whose holder has not been heard of in time."""
        statement = (
            select(JobRow)
            .where(JobRow.state == State.RUNNING, JobRow.lease_expires_at < func.clock_timestamp())
            .order_by(JobRow.lease_expires_at)
            .limit(most)
        )
        return tuple(_lease(row) for row in self._session.execute(statement).scalars())

    def due(self) -> float | None:
        """Seconds until a job that was put off may begin; None when none is."""
        soonest = func.min(JobRow.not_before) - func.clock_timestamp()
        waiting = (JobRow.state == State.QUEUED, JobRow.not_before > func.clock_timestamp())
        seconds = self._session.execute(select(func.extract("epoch", soonest)).where(*waiting)).scalar_one_or_none()
        return None if seconds is None else max(0.0, float(seconds))

    def sweeping(self) -> bool:
        """Whether this transaction may sweep: one does at a time, wherever it runs."""
        return bool(self._session.execute(select(func.pg_try_advisory_xact_lock(SWEEP_LOCK))).scalar_one())


def _from_now(seconds: float) -> object:
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)


def _lease(row: JobRow) -> Lease:
    tries = Tries(row.attempt, row.deferrals)
    return Lease(JobId(row.id), TenantId(row.tenant_id), row.kind, row.args, row.lease_token, tries)
