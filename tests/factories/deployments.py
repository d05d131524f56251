"""Rows that say what an engine host would have said."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from appliance.kit import clock
from appliance.serving import repository
from appliance.serving.tables import DeploymentRow


def pretend(session: Session, actual: str = "running") -> None:
    """Every deployment is in this state, as far as the rows tell; in a session of the system login."""
    now = clock.now()
    session.execute(update(DeploymentRow).values(actual=actual, seen_at=now))
    for row in session.scalars(select(DeploymentRow)):
        told = {"model_version_id": row.model_version_id, "engine": row.engine, "seen_at": now}
        repository.report_replica(session, row.id, row.id, actual=actual, in_service=actual == "running", **told)
