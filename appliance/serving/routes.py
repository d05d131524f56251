"""Routes as the rest of the appliance sees them: a name, what answers it, on trial, instead, and for whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.kit import paging
from appliance.serving import repository
from appliance.serving.errors import RouteNotFound
from appliance.serving.tables import RouteRow

DEFAULT = "default"
"""The route of whoever names none."""


@dataclass(frozen=True, slots=True)
class Lead:
    """A deployment, and perhaps an adapter on it."""

    deployment: UUID
    adapter: UUID | None = None

    def to_json(self) -> dict[str, Any]:
        """The form in which a route keeps a former one."""
        return {"deployment": str(self.deployment), "adapter": str(self.adapter) if self.adapter else None}

    @classmethod
    def of(cls, told: dict[str, Any]) -> "Lead":
        """From that form."""
        return cls(UUID(told["deployment"]), UUID(told["adapter"]) if told["adapter"] else None)


@dataclass(frozen=True, slots=True)
class Route:
    """``lead`` answers now; ``next`` shall, once every engine has it; ``canary`` answers ``percent`` of conversations.

    ``fallback``: the deployment that answers while the others cannot. ``tenants``: who may use it unless ``everyone``
    may. ``former``: what rolling back leads to.
    """

    id: UUID
    name: str
    lead: Lead
    next: Lead | None
    canary: Lead | None
    percent: int
    fallback: UUID | None
    former: Lead | None
    everyone: bool
    tenants: frozenset[UUID]
    version: int
    created_at: datetime


class Routes:
    """Works in the caller's transaction. ``tenant``: only what it may use is told."""

    def __init__(self, session: Session, tenant: UUID | None = None) -> None:
        self._session = session
        self._tenant = tenant

    def all(self) -> tuple[Route, ...]:
        """Every route, by name."""
        return self._visible(repository.routes(self._session))

    def list(self, cursor: str | None, limit: int, leads_to: UUID | None = None) -> paging.Page[Route]:
        """A page of routes, oldest first, or of those that lead to a deployment."""
        rows = repository.routes_for(self._session, self._tenant, paging.decode(cursor), limit + 1, leads_to)
        return paging.page(self._visible(rows), limit, [row.id for row in rows])

    def one(self, name: str) -> Route:
        """One route. Raises :class:`RouteNotFound`, in the same words for one that the tenant may not use."""
        row = repository.route(self._session, name)
        found = self._visible([row]) if row is not None else ()
        if not found:
            raise RouteNotFound(f"there is no route {name!r}")
        return found[0]

    def _visible(self, rows: Sequence[RouteRow]) -> tuple[Route, ...]:
        tenants = repository.tenants_of_routes(self._session)
        found = (view(row, tenants.get(row.name, frozenset())) for row in rows)
        return tuple(one for one in found if self._tenant is None or one.everyone or self._tenant in one.tenants)

    def flip(self, route: Route) -> bool:
        """What was next answers from now on; False when somebody has changed the route meanwhile."""
        row = repository.route(self._session, route.name, lock=True)
        if row is None or row.version != route.version or route.next is None:
            return False
        if route.next != route.lead:
            row.former = route.lead.to_json()
        row.deployment_id, row.adapter_id = route.next.deployment, route.next.adapter
        row.next_deployment_id = row.next_adapter_id = None
        if route.canary == route.next:
            row.canary_deployment_id, row.canary_adapter_id, row.canary_percent = None, None, 0
        row.version += 1
        self._session.flush()
        return True


def view(row: RouteRow, tenants: frozenset[UUID]) -> Route:
    """A row as others see it."""
    return Route(
        id=row.id,
        name=row.name,
        lead=Lead(row.deployment_id, row.adapter_id),
        next=Lead(row.next_deployment_id, row.next_adapter_id) if row.next_deployment_id else None,
        canary=Lead(row.canary_deployment_id, row.canary_adapter_id) if row.canary_deployment_id else None,
        percent=row.canary_percent,
        fallback=row.fallback_deployment_id,
        former=Lead.of(row.former) if row.former else None,
        everyone=row.everyone,
        tenants=tenants,
        version=row.version,
        created_at=row.created_at,
    )
