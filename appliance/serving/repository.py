"""Queries on deployments and routes."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from appliance.serving.tables import DeploymentRow, RouteRow


def deployments(session: Session, after: UUID | None = None, limit: int | None = None) -> Sequence[DeploymentRow]:
    """Deployments by id, those after ``after``."""
    query = select(DeploymentRow).order_by(DeploymentRow.id).limit(limit)
    return session.scalars(query.where(DeploymentRow.id > after) if after else query).all()


def deployment_named(session: Session, name: str) -> DeploymentRow | None:
    """The deployment of this name."""
    return session.scalars(select(DeploymentRow).where(DeploymentRow.name == name)).one_or_none()


def routes(session: Session) -> Sequence[RouteRow]:
    """All routes by name."""
    return session.scalars(select(RouteRow).order_by(RouteRow.name)).all()


def route(session: Session, name: str) -> RouteRow | None:
    """One route."""
    return session.get(RouteRow, name)


def report(session: Session, deployment: UUID, **values: Any) -> None:  # noqa: ANN401 - column values
    """Write down what the engine host saw."""
    session.execute(update(DeploymentRow).where(DeploymentRow.id == deployment).values(**values))
