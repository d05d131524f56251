"""Seconds of training in a month: reserved when a run is asked for, spent as it goes. For the ``system`` login.

A run holds a lease of each budget that binds it, under an id made of the job's. Each heartbeat moves the seconds since
the last one from leased to spent and lets the rest count on, so a run that is killed costs what it has told, and its
rest is free a minute later.
"""

from collections.abc import Iterator
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from appliance.access.principal import TenantId
from appliance.kit import clock
from appliance.tenants.settings import settings_of
from appliance.usage import repository
from appliance.usage.budgets import refusal
from appliance.usage.leasing import Grant
from appliance.usage.measures import Limit, Measure, window
from appliance.usage.rulebook import limits


class Training:
    """The training budgets that bind one user (and key) of a tenant."""

    def __init__(self, session: Session, tenant: TenantId, user: UUID, key: UUID | None = None) -> None:
        self._session = session
        self._tenant = tenant
        self._subjects = frozenset({tenant, user} | ({key} if key else set()))
        self._zone = settings_of(session, tenant).zone

    def reserve(self, job: UUID, seconds: int) -> None:
        """Reserve so many for a run; nothing is, where one limit refuses. Raises ``OverQuota``. Once a job."""
        for limit in self._limits():
            within = window(limit.measure, clock.now(), self._zone)
            found, spent = repository.lock_window(self._session, limit, within)
            leased = repository.leased(self._session, found)
            if spent + leased + seconds > limit.amount:
                raise refusal(limit, within, Grant(0, spent, leased), seconds)
            repository.add_lease(self._session, _lease(job, limit), limit.tenant, found, seconds)

    def spend(self, job: UUID, seconds: int) -> None:
        """So many more have passed; the rest of the reservation counts on for a minute."""
        held = [(limit, _lease(job, limit)) for limit in self._limits()]
        windows = repository.windows_of(self._session, [lease for _, lease in held])
        for limit, lease in held:
            found = windows.get(lease)
            if found is None:  # a limit of after it began, or a lease that ran out while nobody told
                found, _ = repository.lock_window(self._session, limit, window(limit.measure, clock.now(), self._zone))
            repository.spend(self._session, found, seconds)
            repository.shrink(self._session, lease, seconds)
        repository.renew(self._session, [lease for _, lease in held])

    def end(self, job: UUID) -> None:
        """The run is over: what was not spent is free. Harmless to repeat."""
        repository.end_leases(self._session, [_lease(job, limit) for limit in self._limits()])

    def _limits(self) -> Iterator[Limit]:
        for row in repository.quotas(self._session, self._tenant):
            if row.subject_id in self._subjects:
                yield from (one for one in limits(row) if one.measure is Measure.TRAINING_SECONDS_PER_MONTH)


def _lease(job: UUID, limit: Limit) -> UUID:
    return uuid5(job, str(limit.subject))
