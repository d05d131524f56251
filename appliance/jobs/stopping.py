"""Stopping all work of a tenant: what waits is cancelled, what runs is asked to end. A session of the system login."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import TenantId
from appliance.jobs.job import Ending
from appliance.jobs.repository import JobRepository
from appliance.jobs.service import Jobs

MOST = 500
"""Jobs cancelled in one transaction."""


def stop(session: Session, tenant: UUID, endings: Mapping[str, Ending]) -> int:
    """Cancel the tenant's open jobs, up to so many; how many are not at their end yet. Harmless to repeat."""
    jobs = Jobs(session, TenantId(tenant), endings)
    return sum(not jobs.cancel(job).state.final for job in JobRepository(session).open(tenant, MOST))
