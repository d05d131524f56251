"""Running one job: take its lease, keep it alive, run the handler, write down what became of it, ring for the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from appliance.drivers.broker import Bell
from appliance.jobs import ending, states
from appliance.jobs.errors import JobNotFound
from appliance.jobs.job import Lease
from appliance.jobs.leases import Leases
from appliance.jobs.pulse import Heart, Pulse, Surroundings
from appliance.jobs.registry import Registry, renewal
from appliance.jobs.repository import JobRepository
from appliance.jobs.ringing import try_ring
from appliance.jobs.run import Run
from appliance.jobs.states import Limits, State, Verdict
from appliance.kit import clock, log
from appliance.kit.database import Database
from appliance.kit.errors import LeaseLost
from appliance.kit.settings import JobSettings

_logger = log.get(__name__)

_DONE = State.SUCCEEDED
SPELL = 10.0
"""Seconds in which a worker that was rung for goes on from job to job: a bell costs as much as a claim."""


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs jobs in this process, one at a time. ``system`` sees all tenants' leases, ``app`` one tenant's rows."""

    system: Database
    app: Database
    registry: Registry
    bell: Bell
    settings: JobSettings
    owner: str
    around: Surroundings = field(default_factory=Surroundings)

    def run_on(self, seconds: float = SPELL) -> int:
        """Run jobs as their turns come, until none may begin or the time is over; how many ran.

        What is committed after a claim that found nothing has a bell of its own; what waits when the time is over is
        rung for here.
        """
        until, count = clock.monotonic() + seconds, 0
        while self._one() is not None:
            count += 1
            if clock.monotonic() >= until:
                self._ring_next()
                break
        return count

    def run_next(self) -> Lease | None:
        """Run the job whose turn it is, and ring for the next; None when none may begin."""
        lease = self._one()
        if lease is not None:
            self._ring_next()
        return lease

    def _one(self) -> Lease | None:
        if self.around.stopping():
            return None
        settings = self.settings
        with self.system.session() as session:
            lease = Leases(session).claim(
                self.owner, self.registry.kinds, settings.running_per_tenant, settings.lease_seconds
            )
        if lease is None:
            return None
        with log.bind(job=str(lease.job), kind=lease.kind, attempt=lease.tries.attempts):
            self._run(lease)
        return lease

    def _run(self, lease: Lease) -> None:
        entry = self.registry.entry(lease.kind)
        pulse = Pulse()
        _logger.info("job begins", token=lease.token)
        with Heart(
            pulse,
            lambda: self._renew(lease),
            every=renewal(self.settings),
            lease=self.settings.lease_seconds,
            longest=entry.longest,
            around=self.around,
        ):
            run = Run(lease, self.app, pulse, self.registry.endings)
            verdict, result = self._work(run)
            if run.ended:
                _logger.info("job ends", state=_DONE)
            else:
                self._settle(lease, verdict, result)

    def _renew(self, lease: Lease) -> bool | None:
        with self.system.session() as session:
            return Leases(session).renew(lease, self.settings.lease_seconds)

    def _work(self, run: Run) -> tuple[Verdict | None, Mapping[str, Any] | None]:
        tries = run.lease.tries
        try:
            result = self.registry.entry(run.lease.kind).handler(run)
        except LeaseLost:
            return None, None
        except (states.Cancelled, states.Interrupted) as stopped:
            return states.after_error(stopped, tries, self._limits), None
        except Exception as error:  # the edge of a job: whatever its handler raises is told to the user
            verdict = states.after_error(error, tries, self._limits)
            _logger.warning("job did not succeed", becomes=verdict.state, exc_info=True)
            return verdict, None
        return Verdict(_DONE, tries), result or {}

    @property
    def _limits(self) -> Limits:
        return Limits(self.settings.attempts)

    def _settle(self, lease: Lease, verdict: Verdict | None, result: Mapping[str, Any] | None) -> None:
        if verdict is None:
            _logger.warning("lease lost; nothing of this run is kept", token=lease.token)
            return
        try:
            with self.app.session(lease.tenant) as session:
                job = JobRepository(session).guard(lease.job, lease.token)
                ending.settle(session, job, verdict, self.registry.endings, result)
        except (LeaseLost, JobNotFound):
            _logger.warning("lease lost before the end was written", token=lease.token)
        else:
            _logger.info("job ends", state=verdict.state)

    def _ring_next(self) -> None:
        with self.system.session() as session:
            waiting = Leases(session).claimable(self.registry.kinds, self.settings.running_per_tenant, 1)
        try_ring(self.bell, waiting)
