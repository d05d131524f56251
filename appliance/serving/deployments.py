"""Deployments as the rest of the appliance sees them: what is wanted, and what the engine host last saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.catalog.adapters import own
from appliance.catalog.service import Catalog, ModelVersion
from appliance.kit import paging
from appliance.serving import repository
from appliance.serving.errors import DeploymentNotFound
from appliance.serving.routes import Routes
from appliance.serving.routing import Replica
from appliance.serving.tables import DeploymentRow, ReplicaRow, RouteRow


@dataclass(frozen=True, slots=True)
class Member:
    """One replica, as the engine host last saw it."""

    id: UUID
    version: UUID
    engine: Mapping[str, Any]
    actual: str
    reason: str | None
    pid: int | None
    address: str | None
    in_service: bool
    adapters: tuple[str, ...]
    placement: Mapping[str, Any]
    restarts: int
    actual_since: datetime
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Deployment:
    """A model version being run, or to be run. ``seen_at``: when the engine host last looked.

    ``version`` is what is wanted, ``serving`` what answers: during a swap they differ.
    """

    id: UUID
    name: str
    version: ModelVersion
    serving: ModelVersion
    engine: Mapping[str, Any]
    wanted: int
    former: Mapping[str, Any] | None
    desired: str
    actual: str
    reason: str | None
    restarts: int
    actual_since: datetime
    seen_at: datetime | None
    routes: tuple[str, ...]
    members: tuple[Member, ...]
    edition: int

    @property
    def replicas(self) -> tuple[Replica, ...]:
        """Those that may be asked."""
        return tuple(
            Replica(member.id, member.address, member.version, frozenset(member.adapters), member.engine)
            for member in self.members
            if member.in_service
        )

    @property
    def pid(self) -> int | None:
        """The process of its first replica that has one."""
        return next((member.pid for member in self.members if member.pid is not None), None)


class Deployments:
    """Works in the caller's transaction: the operator's to change, the system's to report, anyone's to look.

    ``tenant``: only the names of routes that it may use are told, of adapters its own, and not what is wrong with
    engines that run: that is said of adapters, whosever they are.
    """

    def __init__(self, session: Session, tenant: UUID | None = None) -> None:
        self._session = session
        self._tenant = tenant

    def all(self) -> tuple[Deployment, ...]:
        """Every deployment, oldest first."""
        return self._whole(repository.deployments(self._session))

    def one(self, deployment: UUID) -> Deployment:
        """One deployment. Raises :class:`DeploymentNotFound`."""
        row = repository.deployment(self._session, deployment)
        if row is None:
            raise DeploymentNotFound
        return self._whole([row])[0]

    def list(self, cursor: str | None, limit: int, name: str | None = None) -> paging.Page[Deployment]:
        """A page of deployments, oldest first, or the one of a name."""
        rows = repository.deployments(self._session, paging.decode(cursor), limit + 1, name)
        return paging.page(self._whole(rows), limit, [row.id for row in rows])

    def routes(self) -> dict[str, UUID]:
        """The names that callers use, and the deployment behind each."""
        return {route.name: route.lead.deployment for route in Routes(self._session, self._tenant).all()}

    def ensure(self, name: str, version: UUID, engine: Mapping[str, Any]) -> UUID:
        """The deployment of this name, made when there is none; one of an older version of this model is moved to it.

        An operator's own settings and desired state are left alone, and another model that it was swapped to.
        """
        row = repository.deployment_named(self._session, name)
        if row is None:
            row = DeploymentRow(name=name, model_version_id=version, engine=dict(engine))
            self._session.add(row)
        catalog = Catalog(self._session)
        if catalog.one(row.model_version_id).name == catalog.one(version).name:
            row.model_version_id = version
        self._session.flush()
        return row.id

    def ensure_route(self, name: str, deployment: UUID) -> None:
        """A route of this name; one that is there is left as it is."""
        if repository.route(self._session, name) is None:
            self._session.add(RouteRow(name=name, deployment_id=deployment))
            self._session.flush()

    def _whole(self, rows: Sequence[DeploymentRow]) -> tuple[Deployment, ...]:
        replicas = repository.replicas(self._session, [row.id for row in rows])
        wanted = {row.model_version_id for row in rows}
        running = {replica.model_version_id for found in replicas.values() for replica in found}
        versions = Catalog(self._session).those([*(wanted | running)])
        routes = self.routes()
        return tuple(
            self._told(
                _view(row, replicas[row.id], versions, tuple(name for name, leads in routes.items() if leads == row.id))
            )
            for row in rows
        )

    def _told(self, found: Deployment) -> Deployment:
        """What its caller may know of it."""
        if self._tenant is None:
            return found
        members = tuple(
            replace(one, adapters=own(one.adapters, self._tenant), reason=untold(one.actual, one.reason))
            for one in found.members
        )
        return replace(found, members=members, reason=untold(found.actual, found.reason))


def untold(actual: str, reason: str | None) -> str | None:
    """What a tenant hears of an engine's trouble: none of one that runs: it is an adapter's, perhaps another's."""
    return None if actual == "running" else reason


def _view(
    row: DeploymentRow, replicas: Sequence[ReplicaRow], versions: Mapping[UUID, ModelVersion], routes: tuple[str, ...]
) -> Deployment:
    serving = next((one.model_version_id for one in replicas if one.in_service), row.model_version_id)
    return Deployment(
        id=row.id,
        name=row.name,
        version=versions[row.model_version_id],
        serving=versions[serving],
        engine=row.engine,
        wanted=row.replicas,
        former=row.former,
        desired=row.desired,
        actual=row.actual,
        reason=row.reason,
        restarts=row.restarts,
        actual_since=row.actual_since,
        seen_at=row.seen_at,
        routes=routes,
        members=tuple(_member(one) for one in replicas),
        edition=row.version,
    )


def _member(row: ReplicaRow) -> Member:
    return Member(
        id=row.id,
        version=row.model_version_id,
        engine=row.engine,
        actual=row.actual,
        reason=row.reason,
        pid=row.pid,
        address=row.address,
        in_service=row.in_service,
        adapters=tuple(row.adapters),
        placement=row.placement,
        restarts=row.restarts,
        actual_since=row.actual_since,
        seen_at=row.seen_at,
    )
