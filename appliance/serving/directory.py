"""Where each route leads, from a snapshot of the rows that is at most a second old: no query for each request."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from appliance.catalog.adapters import Adapter
from appliance.kit import clock, log
from appliance.kit.database import Database
from appliance.serving import adapters
from appliance.serving.deployments import Deployment, Deployments
from appliance.serving.errors import RouteNotFound
from appliance.serving.routes import Lead, Route, Routes
from appliance.serving.routing import on_trial
from appliance.serving.target import Target, target

_logger = log.get(__name__)
SECONDS = 1.0
AHEAD = 0.3
"""So long before its end a snapshot that is looked at is worth a new one: else all callers of that moment wait."""


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """All routes, and what they lead to, as it was at one moment."""

    routes: Mapping[str, Route]
    deployments: Mapping[UUID, Deployment]
    adapters: Mapping[UUID, Adapter]
    made: dict[tuple[str, UUID, UUID | None], Target | None] = field(default_factory=dict)
    ways: dict[tuple[str, int], "_Way"] = field(default_factory=dict)

    def way(self, name: str, tenant: UUID | None) -> "_Way | None":
        """Where a route leads this tenant; None where there is no such route for it."""
        key = (name, tenant.int if tenant else 0)
        found = self.ways.get(key)
        if found is None:
            found = self._way(name, tenant)
            if found is not None:  # what there is not, is not kept: its name is a caller's word
                self.ways[key] = found
        return found

    def _way(self, name: str, tenant: UUID | None) -> "_Way | None":
        route = self.routes.get(name)
        if route is None or not self.visible(route, tenant):
            return None
        usual, trial = (
            tuple(made for lead in leads if (made := self.target(route, lead)) is not None) for leads in _orders(route)
        )
        return _Way(route, usual, trial) if usual else None

    def target(self, route: Route, lead: Lead) -> Target | None:
        """Where this lead leads; None where an adapter is not, or no longer, to be used."""
        key = (route.name, lead.deployment, lead.adapter)
        if key not in self.made:
            self.made[key] = self._target(route, lead)
        return self.made[key]

    def _target(self, route: Route, lead: Lead) -> Target | None:
        adapter = None
        if lead.adapter is not None:
            adapter = self.adapters.get(lead.adapter)
            if adapter is None or not adapter.usable:
                return None
        return target(route.name, self.deployments[lead.deployment], adapter)

    def visible(self, route: Route, tenant: UUID | None) -> bool:
        """Whether a tenant may use a route: it is for everyone or for this tenant, and so is what it leads to."""
        if not route.everyone and tenant not in route.tenants:
            return False
        known = (self.adapters.get(lead.adapter) for lead in (route.lead, route.canary) if lead and lead.adapter)
        return all(adapter is None or adapter.tenant == tenant for adapter in known)


@dataclass(frozen=True, slots=True)
class _Way:
    """What a route leads one tenant to, first choice first: usually, and for conversations of its canary's share."""

    route: Route
    usual: tuple[Target, ...]
    trial: tuple[Target, ...]

    def targets(self, sticky: str) -> tuple[Target, ...]:
        """For this conversation."""
        route = self.route
        return self.trial if route.canary and on_trial(route.name, sticky, route.percent) else self.usual


class Directory:
    """Routes by name, for every thread of the process.

    ``database``: the system login's, which sees which tenants may use what; with the app login's only what is for
    everyone is found.
    """

    def __init__(
        self,
        database: Database,
        now: Callable[[], float] = clock.monotonic,
        known: adapters.Adapters = adapters.none,
    ) -> None:
        self._database = database
        self._now = now
        self._known = known
        self._lock = threading.Lock()
        self._snapshot = _Snapshot({}, {}, {})
        self._read_at: float | None = None
        self._refreshing = False

    @property
    def fresh(self) -> bool:
        """Whether a look needs no query."""
        return self._read_at is not None and self._now() - self._read_at < SECONDS

    @property
    def ending(self) -> bool:
        """Whether somebody should :meth:`refresh` it."""
        read = self._read_at
        return read is not None and not self._refreshing and self._now() - read > SECONDS - AHEAD

    def refresh(self) -> None:
        """Read it anew while the former is looked at still. Where that fails, who looks after its end is told."""
        self._refreshing = True
        try:
            with self._lock:
                self._snapshot = self._read()
                self._read_at = self._now()
        except SQLAlchemyError as error:
            _logger.warning("routes are not read anew for now", error=type(error).__name__)
        finally:
            self._refreshing = False

    def find(self, route: str, tenant: UUID | None = None, sticky: str = "") -> Target:
        """Who answers this tenant's conversation ``sticky``: the canary for its share of them, else what is in force.

        What cannot be asked just now gives way to the other of the two, and both to the fallback. Raises
        :class:`RouteNotFound`, in the same words for a route that is not this tenant's.
        """
        way = self._told().way(route, tenant)
        if way is None:
            raise RouteNotFound(f"there is no route {route!r}")
        targets = way.targets(sticky)
        now = clock.now()
        for one in targets:
            if one.trouble(now) is None:
                return one
        return targets[0]

    def all(self, tenant: UUID | None = None) -> tuple[Target, ...]:
        """Every route of this tenant, by name, as what is in force."""
        told = self._told()
        made = (told.target(route, route.lead) for route in told.routes.values() if told.visible(route, tenant))
        return tuple(one for one in made if one is not None)

    def every(self) -> tuple[Target, ...]:
        """Every deployment itself, whatever leads to it: a fallback's engines, and those that no route names yet."""
        return tuple(target("", deployment, None) for deployment in self._told().deployments.values())

    def _told(self) -> _Snapshot:
        if self.fresh:
            return self._snapshot
        with self._lock:
            if not self.fresh:
                self._snapshot = self._read()
                self._read_at = self._now()
        return self._snapshot

    def _read(self) -> _Snapshot:
        """Routes before replicas: a flip is written after what it leads to is ready, so what is read fits."""
        with self._database.session() as session:
            routes = {route.name: route for route in Routes(session).all()}
            leads = [lead for route in routes.values() for lead in (route.lead, route.canary) if lead]
            known = self._known(session, {lead.adapter for lead in leads if lead.adapter})
            deployments = {deployment.id: deployment for deployment in Deployments(session).all()}
        return _Snapshot(routes, deployments, known)


def _orders(route: Route) -> tuple[list[Lead], list[Lead]]:
    """What may answer, first choice first: usually, and on trial."""
    usual, trial = [route.lead], [route.lead]
    if route.canary is not None:
        usual.append(route.canary)
        trial.insert(0, route.canary)
    if route.fallback is not None:
        usual.append(Lead(route.fallback, None))
        trial.append(Lead(route.fallback, None))
    return usual, trial
