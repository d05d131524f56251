"""What the engine host saw, into the rows: at once when it changed, and again every few seconds as a sign of life."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from appliance.kit import clock
from appliance.kit.database import Database
from appliance.serving import repository
from appliance.serving.keeping import Kept
from appliance.serving.reconcile import Course, Phase

if TYPE_CHECKING:
    from appliance.serving.host import Fleet

HEARTBEAT = 5.0
"""Seconds after which an unchanged state is written again, so that readers see that somebody still looks."""


class Reports:
    """Writes as the system login.

    What one deployment's replicas do is told in one transaction: a flip is seen whole or not at all.
    """

    def __init__(self, system: Database) -> None:
        self._system = system
        self._told: dict[UUID, tuple[object, float]] = {}
        self._gone: set[UUID] = set()
        self._begun = False

    def begin(self) -> None:
        """Forget, once, the replicas of a former host: they ended with it."""
        if self._begun:
            return
        with self._system.session() as session:
            repository.forget_replicas(session)
        self._begun = True

    def tell(self, found: "Fleet") -> None:
        """Write down what changed."""
        course = summary(found.kept)
        if course.phase.value != found.actual:
            found.actual, found.since = course.phase.value, clock.now()
        rows = {kept.id: _row(kept) for kept in found.kept}
        whole = (course, found.restarts, {key: {**row, "seen_at": None} for key, row in rows.items()})
        key, now = found.deployment.id, clock.monotonic()
        told, at = self._told.get(key, (None, 0.0))
        if told == whole and now - at < HEARTBEAT:
            return
        self._write(found, course, rows)
        for kept in found.kept:
            kept.out_since = None if kept.in_service else kept.out_since or now
            kept.in_since = kept.in_since or now if kept.in_service else None
        self._told[key] = (whole, now)

    def _write(self, found: "Fleet", course: Course, rows: dict[UUID, dict[str, Any]]) -> None:
        self._gone |= {kept.id for kept in found.kept if kept.retired and kept.process is None}
        with self._system.session() as session:
            for replica, row in rows.items():
                if replica not in self._gone:
                    repository.report_replica(session, replica, found.deployment.id, **row)
            repository.forget_replicas(session, [*self._gone])
            repository.report(
                session,
                found.deployment.id,
                actual=course.phase.value,
                reason=course.reason,
                restarts=found.restarts,
                actual_since=found.since,
                seen_at=clock.now(),
            )
        self._gone.clear()


def summary(found: list[Kept]) -> Course:
    """What a deployment is doing, of what its replicas do: the best of them, with the first reason there is."""
    serving = any(kept.in_service for kept in found)
    phases = [Phase.STARTING if kept.course.phase is Phase.RUNNING else kept.course.phase for kept in found]
    order = (Phase.STARTING, Phase.BACKING_OFF, Phase.FAILED, Phase.DRAINING, Phase.STOPPED)
    phase = Phase.RUNNING if serving else next((one for one in order if one in phases), Phase.STOPPED)
    reasons = (kept.course.reason or kept.trouble for kept in found if not kept.retired or not serving)
    return Course(phase, reason=next((reason for reason in reasons if reason), None))


def _row(kept: Kept) -> dict[str, Any]:
    return {
        "model_version_id": kept.version.id,
        "engine": dict(kept.recipe[1]),
        "actual": kept.course.phase.value,
        "reason": kept.course.reason or kept.trouble,
        "pid": kept.process.pid if kept.process else None,
        "address": kept.address,
        "in_service": kept.in_service,
        "adapters": sorted(kept.names - {kept.named}),
        "placement": kept.placement.to_json(),
        "restarts": kept.course.restarts,
        "actual_since": kept.since,
        "seen_at": clock.now(),
    }
