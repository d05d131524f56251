"""The sweep: takes expired leases back, rings for what waits unheard, forgets what is old.

It needs no broker to do its first duty and no memory of its own: all it knows it reads from the rows, so it may run
anywhere, and an advisory lock lets one run at a time.
"""

import math
from dataclasses import dataclass
from datetime import timedelta

from appliance.drivers.broker import Bell, BrokerDown
from appliance.jobs import ending, states, suspending
from appliance.jobs.errors import JobNotFound
from appliance.jobs.job import Lease
from appliance.jobs.leases import Leases
from appliance.jobs.registry import Registry
from appliance.jobs.repository import JobRepository
from appliance.jobs.ringing import try_ring
from appliance.jobs.service import Jobs
from appliance.jobs.states import Limits
from appliance.kit import log
from appliance.kit.database import Database
from appliance.kit.errors import LeaseLost
from appliance.kit.settings import JobSettings

_logger = log.get(__name__)

_TICK = 0.05
MOST_EXPIRED = 200
MOST_RINGS = 64
MOST_FORGOTTEN = 1000


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did."""

    reclaimed: int = 0
    rung: int = 0
    forgotten: int = 0


@dataclass(frozen=True, slots=True)
class Sweep:
    """Looks after the jobs of all tenants."""

    system: Database
    app: Database
    registry: Registry
    bell: Bell
    settings: JobSettings

    def once(self) -> Swept | None:
        """Sweep; None when another one is at it."""
        with self.system.session() as session:
            leases = Leases(session)
            if not leases.sweeping():
                return None
            reclaimed = sum(self._reclaim(lease) for lease in leases.expired(MOST_EXPIRED))
            for tenant, job in suspending.waiting(session, MOST_EXPIRED):
                with self.app.session(tenant) as own:
                    Jobs(own, tenant, self.registry.endings).cancel(job)
            rung = self._ring(leases)
            forgotten = JobRepository(session).forget(
                jobs_after=timedelta(days=self.settings.keep_jobs_days),
                events_after=timedelta(days=self.settings.keep_events_days),
                most=MOST_FORGOTTEN,
            )
        swept = Swept(reclaimed, rung, forgotten)
        if swept != Swept():
            _logger.info("swept", reclaimed=reclaimed, rung=rung, forgotten=forgotten)
        return swept

    def pause(self) -> float:
        """Seconds until it is worth while to sweep again: sooner when a job that was put off comes due."""
        with self.system.session() as session:
            due = Leases(session).due()
        return min(self.settings.sweep_seconds, math.inf if due is None else due + _TICK)

    def _reclaim(self, lease: Lease) -> bool:
        try:
            self._take_back(lease, tell=True)
        except (LeaseLost, JobNotFound):
            return False  # its holder was only late, or the job is gone
        except Exception:  # one job's ending must not keep the others' leases, nor its own, for ever
            _logger.exception("a job's ending failed; the job ends without it", job=str(lease.job), kind=lease.kind)
            self._take_back(lease, tell=False)
        return True

    def _take_back(self, lease: Lease, *, tell: bool) -> None:
        with self.app.session(lease.tenant) as session:
            job = JobRepository(session).guard(lease.job, lease.token, expired=True)
            verdict = states.after_expiry(job.tries, Limits(self.settings.attempts), cancelled=job.cancel_requested)
            ending.settle(session, job, verdict, self.registry.endings if tell else {})
        _logger.warning("took a lease back", job=str(lease.job), token=lease.token, becomes=verdict.state)

    def _ring(self, leases: Leases) -> int:
        """One ring for each job that may begin and has no ring waiting: rings never pile up behind busy workers."""
        claimable = leases.claimable(self.registry.kinds, self.settings.running_per_tenant, MOST_RINGS)
        if not claimable:
            return 0
        try:
            unheard = self.bell.waiting()
        except BrokerDown:
            return 0
        return try_ring(self.bell, claimable[unheard:])
