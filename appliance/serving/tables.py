"""Deployments: what should run (desired) beside what the engine host last saw (actual). Routes: callers' names."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.kit.columns import Created, Id, Json, Moment
from appliance.kit.database import Base


class DeploymentRow(Base):
    """A model version being run with engine settings."""

    __tablename__ = "deployments"
    __table_args__ = (
        CheckConstraint("desired in ('running', 'stopped')", name="desired"),
        CheckConstraint(
            "actual in ('stopped', 'starting', 'running', 'backing_off', 'failed', 'draining')", name="actual"
        ),
        Index(None, "model_version_id"),
    )

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
    model_version_id: Mapped[UUID] = mapped_column(ForeignKey("model_versions.id"))
    engine: Mapped[Json]
    desired: Mapped[str] = mapped_column(server_default=text("'running'"))
    actual: Mapped[str] = mapped_column(server_default=text("'stopped'"))
    reason: Mapped[str | None]
    pid: Mapped[int | None]
    restarts: Mapped[int] = mapped_column(server_default=text("0"))
    actual_since: Mapped[Created]
    seen_at: Mapped[Moment | None]
    created_at: Mapped[Created]


class RouteRow(Base):
    """A name that points to a deployment."""

    __tablename__ = "routes"
    __table_args__ = (Index(None, "deployment_id"),)

    name: Mapped[str] = mapped_column(primary_key=True)
    deployment_id: Mapped[UUID] = mapped_column(ForeignKey("deployments.id"))
    created_at: Mapped[Created]
