"""Deployments: what should run (desired) beside what the engine host last saw (actual). Routes: callers' names.

A deployment is run by replicas, which only the engine host writes. A route names what answers now, what shall answer
once every engine has it ready (``next_``), a share that answers on trial (``canary_``) and who helps out
(``fallback_``).
"""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from appliance.kit.columns import Created, Id, Json, Moment
from appliance.kit.database import Base
from appliance.kit.ids import uuid7

ACTUAL = "actual in ('stopped', 'starting', 'running', 'backing_off', 'failed', 'draining')"


class DeploymentRow(Base):
    """A model version being run with engine settings. ``former``: the version and settings before the last swap."""

    __tablename__ = "deployments"
    __table_args__ = (
        CheckConstraint("desired in ('running', 'stopped')", name="desired"),
        CheckConstraint(ACTUAL, name="actual"),
        CheckConstraint("replicas between 1 and 64", name="replicas"),
        Index(None, "model_version_id"),
    )

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
    model_version_id: Mapped[UUID] = mapped_column(ForeignKey("model_versions.id"))
    engine: Mapped[Json]
    replicas: Mapped[int] = mapped_column(server_default=text("1"))
    former: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    desired: Mapped[str] = mapped_column(server_default=text("'running'"))
    actual: Mapped[str] = mapped_column(server_default=text("'stopped'"))
    reason: Mapped[str | None]
    restarts: Mapped[int] = mapped_column(server_default=text("0"))
    actual_since: Mapped[Created]
    seen_at: Mapped[Moment | None]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[Created]


class ReplicaRow(Base):
    """One engine of a deployment. ``in_service``: the gateway may choose it; ``adapters``: engine-side names it knows.

    ``engine``: the settings it was started with; ``address``: where it answers, null for its socket in ``run/``;
    ``placement``: where it runs, and why there.
    """

    __tablename__ = "replicas"
    __table_args__ = (CheckConstraint(ACTUAL, name="actual"), Index(None, "deployment_id"))

    id: Mapped[Id]
    deployment_id: Mapped[UUID] = mapped_column(ForeignKey("deployments.id", ondelete="CASCADE"))
    model_version_id: Mapped[UUID] = mapped_column(ForeignKey("model_versions.id"))
    engine: Mapped[Json]
    actual: Mapped[str]
    reason: Mapped[str | None]
    pid: Mapped[int | None]
    address: Mapped[str | None]
    in_service: Mapped[bool] = mapped_column(server_default=text("false"))
    adapters: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    placement: Mapped[Json]
    restarts: Mapped[int] = mapped_column(server_default=text("0"))
    actual_since: Mapped[Created]
    seen_at: Mapped[Moment | None]


class RouteRow(Base):
    """A name that leads to a deployment, and perhaps to one tenant's adapter on it.

    ``everyone``: every tenant may use it; otherwise only those of ``route_tenants``. ``former``: what the last flip
    replaced.
    """

    __tablename__ = "routes"
    __table_args__ = (
        CheckConstraint("canary_percent between 0 and 100", name="canary_percent"),
        Index(None, "deployment_id"),
    )

    name: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True, default=uuid7)
    deployment_id: Mapped[UUID] = mapped_column(ForeignKey("deployments.id"))
    adapter_id: Mapped[UUID | None]
    next_deployment_id: Mapped[UUID | None] = mapped_column(ForeignKey("deployments.id"))
    next_adapter_id: Mapped[UUID | None]
    canary_deployment_id: Mapped[UUID | None] = mapped_column(ForeignKey("deployments.id"))
    canary_adapter_id: Mapped[UUID | None]
    canary_percent: Mapped[int] = mapped_column(server_default=text("0"))
    fallback_deployment_id: Mapped[UUID | None] = mapped_column(ForeignKey("deployments.id"))
    former: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    everyone: Mapped[bool] = mapped_column(server_default=text("true"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[Created]


class RouteTenantRow(Base):
    """A tenant that may use a route which is not for everyone."""

    __tablename__ = "route_tenants"
    __table_args__ = (Index(None, "tenant_id"),)

    route: Mapped[str] = mapped_column(ForeignKey("routes.name", ondelete="CASCADE"), primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
