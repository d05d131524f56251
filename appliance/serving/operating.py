"""What an operator does to deployments: create, change, start, stop, swap, roll back, delete. The host does it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.audit.service import Audit
from appliance.catalog.service import Catalog, ModelVersion
from appliance.drivers.vllm.arguments import EngineSettings, parse
from appliance.licensing.entitlement import Entitlement
from appliance.licensing.points import Point
from appliance.serving import repository
from appliance.serving.adapters import Adapters
from appliance.serving.deployments import Deployment, Deployments
from appliance.serving.errors import (
    AdaptersOfAnotherBase,
    DeploymentInUse,
    DeploymentNotFound,
    ModelNotReady,
    NothingFormer,
)
from appliance.serving.flipping import leads
from appliance.serving.routes import Routes
from appliance.serving.tables import DeploymentRow
from appliance.tenants import etags
from appliance.tenants.names import taken_once

WAITING = ("backing_off", "failed")
"""What a replica is that will be tried again by itself, but later."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a deployment shall be; None: as it is, or for a new one the usual."""

    engine: Mapping[str, Any] | None = None
    replicas: int | None = None


class Operating:
    """Works in an operator's transaction. ``entitled``: what the licence allows now."""

    def __init__(self, session: Session, audit: Audit, entitled: Callable[[], Entitlement], known: Adapters) -> None:
        self._session = session
        self._audit = audit
        self._entitled = entitled
        self._known = known
        self._deployments = Deployments(session)

    def create(self, name: str, version: UUID, wish: Wish) -> Deployment:
        """A new deployment, which the engine host starts. Raises ``NameTaken``, ``ModelNotReady``, ``NotLicensed``."""
        model = self._ready(version)
        engine = parse({**EngineSettings().to_json(), **(wish.engine or {})})
        self._license(model, engine, wish.replicas or 1)
        row = DeploymentRow(name=name, model_version_id=model.id, engine=engine.to_json(), replicas=wish.replicas or 1)
        with taken_once(self._session, name):
            self._session.add(row)
        self._audit.record("deployment.create", row.id, name=name, model=model.digest, replicas=row.replicas)
        return self._deployments.one(row.id)

    def update(self, deployment: UUID, if_match: str | None, wish: Wish) -> Deployment:
        """Other engine settings or another number of replicas; engines with the former ones answer meanwhile."""
        row = self._row(deployment, if_match)
        engine = parse({**row.engine, **(wish.engine or {})})
        row.engine, row.replicas = engine.to_json(), wish.replicas or row.replicas
        self._license(self._ready(row.model_version_id), engine, row.replicas, but=row.id)
        return self._changed(row, "deployment.update")

    def start(self, deployment: UUID) -> Deployment:
        """Let it run; replicas that wait to be tried again are tried at once. Harmless to repeat."""
        row = self._row(deployment)
        if row.desired != "running" or any(one.actual in WAITING for one in self._deployments.one(row.id).members):
            self._license(self._ready(row.model_version_id), parse(row.engine), row.replicas, but=row.id)
            row.desired = "running"
            return self._changed(row, "deployment.start")
        return self._deployments.one(row.id)

    def stop(self, deployment: UUID) -> Deployment:
        """Let it finish what it has begun, and end. Harmless to repeat."""
        row = self._row(deployment)
        if row.desired != "stopped":
            row.desired = "stopped"
            return self._changed(row, "deployment.stop")
        return self._deployments.one(row.id)

    def swap(self, deployment: UUID, if_match: str | None, version: UUID, wish: Wish) -> Deployment:
        """Another version takes over, without a gap: it is started and warmed beside the one that answers."""
        row = self._row(deployment, if_match)
        return self._swap(row, version, {**row.engine, **(wish.engine or {})}, "deployment.swap")

    def undo(self, deployment: UUID, if_match: str | None) -> Deployment:
        """The version and settings before the last swap take over, in the same way. Raises ``NothingFormer``."""
        row = self._row(deployment, if_match)
        if row.former is None:
            raise NothingFormer(f"deployment {row.name} was never swapped")
        return self._swap(row, UUID(row.former["model_version"]), row.former["engine"], "deployment.rollback")

    def delete(self, deployment: UUID) -> None:
        """Forget it; its engines are drained. Raises ``DeploymentInUse`` while a route leads to it."""
        row = self._row(deployment)
        using = [
            route.name
            for route in Routes(self._session).all()
            if row.id in {lead.deployment for lead in leads([route])} | {route.fallback}
        ]
        if using:
            raise DeploymentInUse(f"routes lead to deployment {row.name}: {', '.join(using)}", routes=using)
        self._session.delete(row)
        self._session.flush()
        self._audit.record("deployment.delete", deployment, name=row.name)

    def _swap(self, row: DeploymentRow, version: UUID, engine: Mapping[str, Any], action: str) -> Deployment:
        model, settings = self._ready(version), parse(engine)
        self._license(model, settings, row.replicas, but=row.id)
        self._no_foreign_adapters(row, model)
        former = {"model_version": str(row.model_version_id), "engine": row.engine}
        if (row.model_version_id, row.engine) != (model.id, settings.to_json()):
            row.former, row.model_version_id, row.engine = former, model.id, settings.to_json()
        return self._changed(row, action)

    def _no_foreign_adapters(self, row: DeploymentRow, model: ModelVersion) -> None:
        """An adapter fits one base version: a route that has one would answer nobody after the swap."""
        found = [(route.name, lead) for route in Routes(self._session).all() for lead in leads([route])]
        here = {lead.adapter: name for name, lead in found if lead.deployment == row.id and lead.adapter}
        known = self._known(self._session, here.keys())
        bound = sorted(here[key] for key, adapter in known.items() if adapter.base != model.id)
        if bound:
            raise AdaptersOfAnotherBase(
                f"adapters of routes {', '.join(bound)} are for another version than {model.name}", routes=bound
            )

    def _ready(self, version: UUID) -> ModelVersion:
        model = Catalog(self._session).one(version)
        if model.kind != "language":
            raise ModelNotReady(f"{model.name} is no language model")
        if model.unserved:
            raise ModelNotReady(f"{model.name} is not served: {model.unserved}")
        if model.state != "verified":
            raise ModelNotReady(f"{model.name} is {model.state}: {model.reason or 'verify it again'}")
        model.require_active()
        return model

    def _license(self, model: ModelVersion, engine: EngineSettings, replicas: int, but: UUID | None = None) -> None:
        """Raises ``NotLicensed`` or ``LimitReached``; a processor is no GPU, and needs none to be left.

        Two who deploy at once count one after the other, until the transaction of the first has ended.
        """
        repository.count_alone(self._session)
        others = [row for row in repository.deployments(self._session) if row.desired == "running" and row.id != but]
        used = sum(gpus(parse(row.engine), row.replicas) for row in others)
        self._entitled().require(Point.DEPLOYING, used + gpus(engine, replicas) - 1, model.digest)

    def _changed(self, row: DeploymentRow, action: str) -> Deployment:
        row.version += 1
        self._session.flush()
        digest = Catalog(self._session).one(row.model_version_id).digest
        self._audit.record(action, row.id, name=row.name, model=digest, replicas=row.replicas)
        return self._deployments.one(row.id)

    def _row(self, deployment: UUID, if_match: str | None = "*") -> DeploymentRow:
        row = repository.deployment(self._session, deployment, lock=True)
        if row is None:
            raise DeploymentNotFound
        etags.check(row.version, if_match)
        return row


def gpus(engine: EngineSettings, replicas: int) -> int:
    """How many graphics cards a deployment takes."""
    return replicas * engine.parallel if engine.device == "cuda" else 0
