"""Queries on deployments, their replicas, and routes."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance.serving.tables import DeploymentRow, ReplicaRow, RouteRow, RouteTenantRow

CARDS_LOCK = 0x63617264
"""Advisory lock (``card``): the licence's number of graphics cards holds, however many deploy at once."""


def deployments(
    session: Session, after: UUID | None = None, limit: int | None = None, name: str | None = None
) -> Sequence[DeploymentRow]:
    """Deployments by id, those after ``after``, or the one of a name."""
    query = select(DeploymentRow).order_by(DeploymentRow.id).limit(limit)
    query = query.where(DeploymentRow.name == name) if name else query
    return session.scalars(query.where(DeploymentRow.id > after) if after else query).all()


def count_alone(session: Session) -> None:
    """Nobody else counts what is deployed until this transaction ends."""
    session.execute(select(func.pg_advisory_xact_lock(CARDS_LOCK)))


def deployment(session: Session, deployment: UUID, *, lock: bool = False) -> DeploymentRow | None:
    """One deployment; ``lock`` keeps it from being changed by others until the transaction ends."""
    return session.get(DeploymentRow, deployment, with_for_update=lock)


def deployment_named(session: Session, name: str) -> DeploymentRow | None:
    """The deployment of this name."""
    return session.scalars(select(DeploymentRow).where(DeploymentRow.name == name)).one_or_none()


def replicas(session: Session, deployments: Sequence[UUID]) -> dict[UUID, list[ReplicaRow]]:
    """The replicas of these deployments, oldest first."""
    found: dict[UUID, list[ReplicaRow]] = defaultdict(list)
    query = select(ReplicaRow).where(ReplicaRow.deployment_id.in_(deployments)).order_by(ReplicaRow.id)
    for row in session.scalars(query):
        found[row.deployment_id].append(row)
    return found


def routes(session: Session) -> Sequence[RouteRow]:
    """All routes by name."""
    return session.scalars(select(RouteRow).order_by(RouteRow.name)).all()


def routes_for(
    session: Session, tenant: UUID | None, after: UUID | None, limit: int, leads_to: UUID | None
) -> Sequence[RouteRow]:
    """Routes by id, those after ``after``; of a tenant those that it may use, counted as if there were no others."""
    query = select(RouteRow).order_by(RouteRow.id).limit(limit)
    if tenant is not None:
        own = select(RouteTenantRow.route).where(RouteTenantRow.tenant_id == tenant)
        query = query.where(or_(RouteRow.everyone, RouteRow.name.in_(own)))
    query = query.where(RouteRow.deployment_id == leads_to) if leads_to else query
    return session.scalars(query.where(RouteRow.id > after) if after else query).all()


def route(session: Session, name: str, *, lock: bool = False) -> RouteRow | None:
    """One route."""
    return session.get(RouteRow, name, with_for_update=lock)


def tenants_of_routes(session: Session) -> dict[str, frozenset[UUID]]:
    """Who may use what is not for everyone; in a transaction of the app login only its own tenant is seen."""
    found: dict[str, set[UUID]] = defaultdict(set)
    for row in session.scalars(select(RouteTenantRow)):
        found[row.route].add(row.tenant_id)
    return {name: frozenset(tenants) for name, tenants in found.items()}


def let_tenants(session: Session, route: str, tenants: Collection[UUID]) -> None:
    """These tenants may use a route, and no others."""
    session.execute(delete(RouteTenantRow).where(RouteTenantRow.route == route))
    session.add_all(RouteTenantRow(route=route, tenant_id=tenant) for tenant in tenants)
    session.flush()


def report(session: Session, deployment: UUID, **values: Any) -> None:  # noqa: ANN401 - column values
    """Write down what the engine host saw."""
    session.execute(update(DeploymentRow).where(DeploymentRow.id == deployment).values(**values))


def report_replica(session: Session, replica: UUID, deployment: UUID, **values: Any) -> None:  # noqa: ANN401 - column values
    """Write down what the engine host saw of one replica; nothing when its deployment is gone meanwhile."""
    if session.get(DeploymentRow, deployment) is None:
        return
    made = insert(ReplicaRow).values(id=replica, deployment_id=deployment, **values)
    session.execute(made.on_conflict_do_update(index_elements=[ReplicaRow.id], set_=values))


def forget_replicas(session: Session, replicas: Sequence[UUID] | None = None) -> None:
    """Remove these replicas, or all."""
    query = delete(ReplicaRow)
    session.execute(query if replicas is None else query.where(ReplicaRow.id.in_(replicas)))
