"""Where each route leads, from a snapshot of the rows that is at most a second old: no query for each request."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from appliance.drivers.vllm.arguments import parse
from appliance.drivers.vllm.port import EngineDown
from appliance.kit import clock
from appliance.kit.database import Database
from appliance.serving.deployments import Deployment, Deployments
from appliance.serving.errors import RouteNotFound
from appliance.serving.reconcile import Phase

SECONDS = 1.0
UNSEEN = timedelta(seconds=30)
"""A state that the engine host has not confirmed for so long says nothing."""
_LOADING = 20


@dataclass(frozen=True, slots=True)
class Target:
    """The deployment behind a route. ``context``: the most tokens of a prompt and its answer together."""

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

    def check(self, now: datetime) -> None:
        """Raise :class:`EngineDown` unless the engine is known to run."""
        if self.seen_at is None or now - self.seen_at > UNSEEN:
            raise EngineDown("the engine host does not report", retry_after=_LOADING)
        if self.actual != Phase.RUNNING:
            told = f": {self.reason}" if self.reason else ""
            wait = _LOADING if self.actual == Phase.STARTING else 5
            raise EngineDown(f"the engine is {self.actual.replace('_', ' ')}{told}", retry_after=wait)


class Directory:
    """Routes by name, for every thread of the process."""

    def __init__(self, app: Database, now: Callable[[], float] = clock.monotonic) -> None:
        self._app = app
        self._now = now
        self._lock = threading.Lock()
        self._targets: dict[str, Target] = {}
        self._read_at: float | None = None

    @property
    def fresh(self) -> bool:
        """Whether a look needs no query."""
        return self._read_at is not None and self._now() - self._read_at < SECONDS

    def find(self, route: str) -> Target:
        """Raises :class:`RouteNotFound`."""
        found = self._snapshot().get(route)
        if found is None:
            raise RouteNotFound(f"there is no route {route!r}")
        return found

    def all(self) -> tuple[Target, ...]:
        """Every route, by name."""
        return tuple(self._snapshot().values())

    def _snapshot(self) -> dict[str, Target]:
        if self.fresh:
            return self._targets
        with self._lock:
            if not self.fresh:
                self._targets = self._read()
                self._read_at = self._now()
        return self._targets

    def _read(self) -> dict[str, Target]:
        with self._app.session() as session:
            deployments = Deployments(session)
            known = {deployment.id: deployment for deployment in deployments.all()}
            return {route: _target(route, known[key]) for route, key in deployments.routes().items()}


def _target(route: str, deployment: Deployment) -> Target:
    return Target(
        route=route,
        deployment=deployment.id,
        model=deployment.version.name,
        digest=deployment.version.digest,
        languages=deployment.version.languages,
        context=parse(deployment.engine).context,
        actual=deployment.actual,
        reason=deployment.reason,
        seen_at=deployment.seen_at,
        created_at=deployment.version.created_at,
    )
