"""Ending the jobs of those who were suspended: asked for here, in the transaction of the suspension.

It works with the right to set one column, so that an operator, who may not see a tenant's jobs through, can do it. A
running job hears of it with its next heartbeat, five seconds at most, and its processes end with its handler; one that
waits is not begun any more, and the next sweep writes its end.
"""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from appliance.access.principal import TenantId
from appliance.jobs.job import JobId
from appliance.jobs.states import State
from appliance.jobs.tables import JobRow

_OPEN = (State.QUEUED, State.RUNNING)


def stop(session: Session, tenant: UUID, user: UUID | None = None) -> int:
    """Ask all open jobs of a tenant, or those that one user asked for, to end; how many that are.

    Jobs that outlive their asker go on: what was deleted is forgotten everywhere, whoever asked for it.
    """
    query = update(JobRow).where(JobRow.tenant_id == tenant, JobRow.state.in_(_OPEN), JobRow.outlives.is_(False))
    if user is not None:
        query = query.where(JobRow.asked_by == user)
    query = query.where(JobRow.cancel_requested.is_(False)).values(cancel_requested=True)
    stopped = session.execute(query.returning(JobRow.id).execution_options(synchronize_session=False))
    return len(stopped.all())


def waiting(session: Session, most: int) -> tuple[tuple[TenantId, JobId], ...]:
    """Jobs that were asked to end before they began. For the ``system`` login."""
    query = select(JobRow.tenant_id, JobRow.id).where(JobRow.state == State.QUEUED, JobRow.cancel_requested)
    return tuple((TenantId(tenant), JobId(job)) for tenant, job in session.execute(query.limit(most)))
