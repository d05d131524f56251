"""What answers a request: one deployment, perhaps one adapter on it, and the engines that have both ready."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from appliance.catalog.adapters import Adapter
from appliance.drivers.vllm.arguments import parse
from appliance.drivers.vllm.port import EngineDown
from appliance.serving.adapters import engine_name
from appliance.serving.deployments import Deployment
from appliance.serving.reconcile import Phase
from appliance.serving.routing import Replica

UNSEEN = timedelta(seconds=30)
"""A state that the engine host has not confirmed for so long says nothing."""
_LOADING = 20


@dataclass(frozen=True, slots=True)
class Target:
    """What answers, as of one moment. ``replicas`` all have the same digests, so any of them may be asked.

    ``sequences`` requests run at once on all of them together, ``queue`` more may wait.

    ``model``: the version's name for people; ``engine_name``: what the engines call the version or the adapter.
    ``context``: the most tokens of a prompt and its answer together.
    """

    route: str
    deployment: UUID
    model: str
    digest: str
    languages: frozenset[str]
    context: int
    actual: str
    reason: str | None
    seen_at: datetime | None
    created_at: datetime
    engine_name: str = ""
    replicas: tuple[Replica, ...] = ()
    adapter: UUID | None = None
    adapter_digest: str | None = None
    sequences: int = 16
    queue: int = 32

    def trouble(self, now: datetime) -> EngineDown | None:
        """Why it cannot be asked, None when it can."""
        if self.seen_at is None or now - self.seen_at > UNSEEN:
            return EngineDown("the engine host does not report", retry_after=_LOADING)
        if self.actual != Phase.RUNNING:
            told = f": {self.reason}" if self.reason else ""
            wait = _LOADING if self.actual == Phase.STARTING else 5
            return EngineDown(f"the engine is {self.actual.replace('_', ' ')}{told}", retry_after=wait)
        if not self.replicas:
            return EngineDown("no engine has loaded what this route needs", retry_after=5)
        return None

    def check(self, now: datetime) -> None:
        """Raise :class:`EngineDown` unless an engine is known to run that has it."""
        if trouble := self.trouble(now):
            raise trouble


def target(route: str, deployment: Deployment, adapter: Adapter | None) -> Target:
    """What a route leads to. The version is the one that is in service, which during a swap is not the wanted one."""
    serving = [replica for replica in deployment.replicas if replica.version == deployment.serving.id]
    named = engine_name(deployment.serving.name, deployment.serving.digest)
    if adapter is not None:
        named = adapter.engine_name
        serving = [replica for replica in serving if named in replica.adapters]
        serving = serving if adapter.base == deployment.serving.id else []
    engines = [parse(replica.engine) for replica in serving] or [parse(deployment.engine)]
    return Target(
        route=route,
        deployment=deployment.id,
        model=deployment.serving.name,
        digest=deployment.serving.digest,
        languages=deployment.serving.languages,
        context=engines[0].context,
        actual=deployment.actual,
        reason=deployment.reason,
        seen_at=deployment.seen_at,
        created_at=deployment.serving.created_at,
        engine_name=named,
        replicas=tuple(serving),
        adapter=adapter.id if adapter else None,
        adapter_digest=adapter.digest if adapter else None,
        sequences=sum(engine.sequences for engine in engines),
        queue=sum(engine.queue for engine in engines),
    )
