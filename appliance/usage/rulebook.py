"""Which limits bind a caller, from what was read at most a second or two ago: no query for each request."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from appliance.access.principal import Principal
from appliance.kit import clock
from appliance.kit.database import Database
from appliance.tenants.settings import settings_of
from appliance.usage import repository
from appliance.usage.measures import OF_REQUESTS, Kind, Limit, Measure
from appliance.usage.reservation import Bound
from appliance.usage.tables import QuotaRow

BELIEVED = 5.0
"""Seconds that what was read is believed; the keeper reads it anew each second."""
FORGOTTEN = 60.0
"""Seconds after which nobody reads for a tenant that did not ask."""


@dataclass(slots=True)
class Rules:
    """One tenant's limits by their subjects, and its time zone."""

    zone: ZoneInfo
    by_subject: Mapping[UUID, tuple[Limit, ...]]
    read_at: float
    asked_at: float
    bound: dict[tuple[int, int], Bound] = field(default_factory=dict)
    """The blocks that these limits have for a caller, by its user and key. Of the budgets, and under their lock."""

    def of(self, principal: Principal) -> tuple[Limit, ...]:
        """The limits of requests that bind this caller: its tenant's, its user's, its key's."""
        if not self.by_subject:
            return ()
        return tuple(
            limit
            for subject in (principal.tenant, principal.user, principal.key)
            if subject is not None
            for limit in self.by_subject.get(subject, ())
        )


class Rulebook:
    """The rules of the tenants that ask this process. ``system`` is the login that reads them."""

    def __init__(self, system: Database) -> None:
        self._system = system
        self._rules: dict[UUID, Rules] = {}
        self._lock = threading.Lock()

    def known(self, tenant: UUID) -> Rules | None:
        """The rules without a query, None when they must be read first."""
        found = self._rules.get(tenant)
        now = clock.monotonic()
        if found is None or now - found.read_at > BELIEVED:
            return None
        found.asked_at = now
        return found

    def find(self, tenant: UUID) -> Rules:
        """The rules, read if they must be."""
        return self.known(tenant) or self._read(tenant, clock.monotonic())

    def refresh(self) -> None:
        """Read the rules of all who asked of late anew."""
        now = clock.monotonic()
        for tenant, rules in list(self._rules.items()):
            if now - rules.asked_at > FORGOTTEN:
                with self._lock:
                    self._rules.pop(tenant, None)
            else:
                self._read(tenant, rules.asked_at)

    def _read(self, tenant: UUID, asked_at: float) -> Rules:
        begun = clock.monotonic()
        with self._system.session() as session:
            rules = Rules(settings_of(session, tenant).zone, read(session, tenant), begun, asked_at)
        with self._lock:
            self._rules[tenant] = rules
        return rules


def read(session: Session, tenant: UUID) -> dict[UUID, tuple[Limit, ...]]:
    """The limits of requests of a tenant, by subject."""
    rows = repository.quotas(session, tenant)
    return {row.subject_id: tuple(x for x in limits(row) if x.measure in OF_REQUESTS) for row in rows}


def limits(row: QuotaRow) -> tuple[Limit, ...]:
    """The limits in a row, those of the longest time first: what refuses for longest is told first."""
    amounts = [(measure, getattr(row, measure)) for measure in reversed(Measure)]
    return tuple(
        Limit(row.tenant_id, Kind(row.kind), row.subject_id, measure, amount)
        for measure, amount in amounts
        if amount is not None
    )
