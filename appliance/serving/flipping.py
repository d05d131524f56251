"""When a route flips: once every engine in service has what it shall lead to. Decided purely, from the rows."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from appliance.catalog.adapters import Adapter
from appliance.serving.deployments import Deployment
from appliance.serving.routes import Lead, Route


def leads(routes: Iterable[Route]) -> list[Lead]:
    """All that routes lead to, shall lead to and have on trial."""
    return [lead for route in routes for lead in (route.lead, route.next, route.canary) if lead is not None]


def wants(routes: Iterable[Route], known: Mapping[UUID, Adapter]) -> dict[UUID, list[Adapter]]:
    """The adapters that each deployment needs, each once."""
    found: dict[UUID, list[Adapter]] = {}
    for lead in leads(routes):
        adapter = known.get(lead.adapter) if lead.adapter else None
        needed = found.setdefault(lead.deployment, [])
        if adapter is not None and adapter.usable and adapter not in needed:
            needed.append(adapter)
    return found


def due(
    routes: Iterable[Route], deployments: Mapping[UUID, Deployment], known: Mapping[UUID, Adapter]
) -> tuple[Route, ...]:
    """The routes whose next lead every engine in service has."""
    return tuple(route for route in routes if route.next and waits_for(route.next, deployments, known) is None)


def waits_for(lead: Lead, deployments: Mapping[UUID, Deployment], known: Mapping[UUID, Adapter]) -> str | None:
    """What keeps a lead from being asked, None when nothing does."""
    deployment = deployments[lead.deployment]
    if not deployment.replicas:
        return f"deployment {deployment.name} has no engine in service"
    if lead.adapter is None:
        return None
    adapter = known.get(lead.adapter)
    if adapter is None or not adapter.usable:
        return "the adapter is not there any more"
    return _missing(adapter, deployment)


def _missing(adapter: Adapter, deployment: Deployment) -> str | None:
    without: Sequence[UUID] = [one.id for one in deployment.replicas if adapter.engine_name not in one.adapters]
    if not without:
        return None
    told = next((member.reason for member in deployment.members if member.id in without and member.reason), None)
    return f"{len(without)} of {len(deployment.replicas)} engines have not loaded the adapter" + (
        f": {told}" if told else ""
    )
