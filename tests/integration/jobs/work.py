"""What the tests of jobs share: two tenants and a worker of one process that needs no broker."""

from dataclasses import dataclass, field
from uuid import UUID

from appliance.access.principal import TenantId
from appliance.access.web import Databases
from appliance.drivers.broker import MemoryBell
from appliance.jobs.job import Args, Event, Job, JobId
from appliance.jobs.pulse import Surroundings
from appliance.jobs.registry import Registry
from appliance.jobs.runner import Runner
from appliance.jobs.service import Jobs
from appliance.jobs.sweep import Sweep
from appliance.kit.settings import JobSettings


@dataclass(frozen=True, slots=True)
class Tenants:
    """Two tenants."""

    a: TenantId
    b: TenantId

    def of(self, tenant: UUID) -> TenantId:
        """The one with this id."""
        return self.a if tenant == self.a else self.b


@dataclass(slots=True)
class Shop:
    """A worker without a broker: ``runner`` runs a job when told to."""

    databases: Databases
    settings: JobSettings = field(default_factory=lambda: JobSettings(attempts=3))
    registry: Registry = field(default_factory=Registry)
    bell: MemoryBell = field(default_factory=MemoryBell)

    def runner(self, owner: str = "test", around: Surroundings | None = None) -> Runner:
        """Runs jobs in this process."""
        databases = self.databases
        around = around or Surroundings()
        return Runner(databases.system, databases.app, self.registry, self.bell, self.settings, owner, around)

    def sweep(self) -> Sweep:
        """Sweeps in this process."""
        databases = self.databases
        return Sweep(databases.system, databases.app, self.registry, self.bell, self.settings)

    def ask(self, tenant: TenantId, kind: str, args: Args | None = None) -> JobId:
        """A job, committed."""
        with self.databases.app.session(tenant) as session:
            return Jobs(session, tenant).ask(kind, args or {})

    def job(self, tenant: TenantId, job: JobId) -> Job:
        """As it stands."""
        with self.databases.app.session(tenant) as session:
            return Jobs(session, tenant).one(job)

    def events(self, tenant: TenantId, job: JobId) -> tuple[Event, ...]:
        """All that happened to it."""
        with self.databases.app.session(tenant) as session:
            return Jobs(session, tenant).events(job)

    def states(self, tenant: TenantId, job: JobId) -> list[str]:
        """The states it went through."""
        return [event.data["state"] for event in self.events(tenant, job) if event.kind == "state"]

    def cancel(self, tenant: TenantId, job: JobId) -> Job:
        """Ask for its end."""
        with self.databases.app.session(tenant) as session:
            return Jobs(session, tenant, self.registry.endings).cancel(job)
