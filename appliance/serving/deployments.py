"""Deployments as the rest of the appliance sees them: what is wanted, and what the engine host last saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.catalog.service import Catalog, ModelVersion
from appliance.kit import clock, paging
from appliance.serving import repository
from appliance.serving.reconcile import Course
from appliance.serving.tables import DeploymentRow, RouteRow


@dataclass(frozen=True, slots=True)
class Deployment:
    """A model version being run, or to be run. ``seen_at``: when the engine host last looked."""

    id: UUID
    name: str
    version: ModelVersion
    engine: Mapping[str, Any]
    desired: str
    actual: str
    reason: str | None
    pid: int | None
    restarts: int
    actual_since: datetime
    seen_at: datetime | None
    routes: tuple[str, ...]


class Deployments:
    """Works in the caller's transaction: the operator's to change, the system's to report, anyone's to look."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self) -> tuple[Deployment, ...]:
        """Every deployment, oldest first."""
        return self._whole(repository.deployments(self._session))

    def list(self, cursor: str | None, limit: int) -> paging.Page[Deployment]:
        """A page of deployments, oldest first."""
        rows = repository.deployments(self._session, paging.decode(cursor), limit + 1)
        return paging.page(self._whole(rows), limit, [row.id for row in rows])

    def routes(self) -> dict[str, UUID]:
        """The names that callers use, and the deployment behind each."""
        return {row.name: row.deployment_id for row in repository.routes(self._session)}

    def ensure(self, name: str, version: UUID, engine: Mapping[str, Any]) -> UUID:
        """The deployment of this name, made when there is none. One that runs another version is moved to this one.

        An operator's own engine settings and desired state are left alone.
        """
        row = repository.deployment_named(self._session, name)
        if row is None:
            row = DeploymentRow(name=name, model_version_id=version, engine=dict(engine))
            self._session.add(row)
        row.model_version_id = version
        self._session.flush()
        return row.id

    def ensure_route(self, name: str, deployment: UUID) -> None:
        """A route of this name; one that is there is left as it is."""
        if repository.route(self._session, name) is None:
            self._session.add(RouteRow(name=name, deployment_id=deployment))
            self._session.flush()

    def report(self, deployment: UUID, course: Course, pid: int | None, since: datetime) -> None:
        """Write down what was seen just now."""
        repository.report(
            self._session,
            deployment,
            actual=course.phase.value,
            reason=course.reason,
            pid=pid,
            restarts=course.restarts,
            actual_since=since,
            seen_at=clock.now(),
        )

    def _whole(self, rows: Sequence[DeploymentRow]) -> tuple[Deployment, ...]:
        versions = Catalog(self._session).those([row.model_version_id for row in rows])
        routes = self.routes()
        return tuple(
            Deployment(
                id=row.id,
                name=row.name,
                version=versions[row.model_version_id],
                engine=row.engine,
                desired=row.desired,
                actual=row.actual,
                reason=row.reason,
                pid=row.pid,
                restarts=row.restarts,
                actual_since=row.actual_since,
                seen_at=row.seen_at,
                routes=tuple(name for name, deployment in routes.items() if deployment == row.id),
            )
            for row in rows
        )
