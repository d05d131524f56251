"""The engine host: keeps what runs in step with what deployments say should run, and reports what it sees.

It takes one look a second at the rows and at its processes, lets ``reconcile.step`` decide, and carries that out. When
the database does not answer the engines go on as they are.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from appliance.drivers.vllm.arguments import parse
from appliance.drivers.vllm.client import probe
from appliance.drivers.vllm.port import Health, Process
from appliance.kit import clock, log
from appliance.kit.database import Database
from appliance.kit.errors import ApplianceError
from appliance.kit.layout import Layout
from appliance.serving.deployments import Deployment, Deployments
from appliance.serving.launch import Launcher
from appliance.serving.reconcile import Act, Course, Phase, Seen, fail, step

HEARTBEAT = 5.0
"""Seconds after which an unchanged state is written again, so that readers see that somebody still looks."""
_logger = log.get(__name__)


@dataclass(slots=True)
class Kept:
    """One deployment under this host. ``recipe``: what its process was started from."""

    course: Course = field(default_factory=Course)
    process: Process | None = None
    deployment: Deployment | None = None
    recipe: Any = None
    grace: float = 10.0
    told: Course | None = None
    told_at: float = 0.0
    since: datetime = field(default_factory=clock.now)


class Host:
    """Owns the engines of one machine."""

    def __init__(
        self,
        system: Database,
        launcher: Launcher,
        layout: Layout,
        start_seconds: float,
        ask: Callable[[Path], Health] = probe,
    ) -> None:
        self._system = system
        self._launcher = launcher
        self._layout = layout
        self._start_seconds = start_seconds
        self._ask = ask
        self._kept: dict[UUID, Kept] = {}

    def run(self, stop: threading.Event, pause: float) -> None:
        """Reconcile every ``pause`` seconds until told to stop; then drain all engines and wait for their ends."""
        while not stop.is_set():
            try:
                self.once()
            except SQLAlchemyError as error:
                _logger.warning("deployments cannot be read for now", error=str(error))
            stop.wait(pause)
        while self._kept:
            self._finish()
            threading.Event().wait(min(pause, 0.1))

    def once(self) -> None:
        """One look at everything."""
        with self._system.session() as session:
            wanted = {deployment.id: deployment for deployment in Deployments(session).all()}
        for deployment in self._kept.keys() | wanted.keys():
            self._one(deployment, wanted.get(deployment))

    def _finish(self) -> None:
        for deployment, kept in list(self._kept.items()):
            try:
                self._one(deployment, None)
            except SQLAlchemyError as error:
                _logger.warning("the end of an engine cannot be reported", error=str(error))
                if kept.process is None:
                    del self._kept[deployment]

    def _one(self, key: UUID, deployment: Deployment | None) -> None:
        kept = self._kept.setdefault(key, Kept(course=Course(restarts=deployment.restarts if deployment else 0)))
        kept.deployment = deployment or kept.deployment
        recipe = _recipe(deployment) if deployment else None
        wanted = deployment is not None and deployment.desired == "running"
        same = kept.process is None or kept.recipe == recipe
        before = kept.course.phase
        kept.course, act = step(
            kept.course, self._look(key, kept, wanted=wanted and same), clock.monotonic(), self._start_seconds
        )
        if act is Act.START and deployment is not None:
            self._start(kept, deployment)
        elif act in (Act.DRAIN, Act.KILL) and kept.process is not None:
            kept.process.ask_to_stop(kept.grace if act is Act.DRAIN else 0)
        if kept.course.phase is not before:
            kept.since = clock.now()
            _logger.info("engine", deployment=str(key), phase=kept.course.phase, reason=kept.course.reason)
        self._report(kept)
        if deployment is None and kept.course.phase is Phase.STOPPED:
            del self._kept[key]

    def _look(self, key: UUID, kept: Kept, *, wanted: bool) -> Seen:
        if kept.process is None:
            return Seen(wanted=wanted)
        ended = kept.process.poll()
        if ended is not None:
            kept.process = None
            self._launcher.ended(key)
            return Seen(wanted=wanted, ended=ended)
        watched = wanted and kept.course.phase in (Phase.STARTING, Phase.RUNNING)
        health = self._ask(self._layout.engine_socket(key)) if watched else Health.SILENT
        return Seen(wanted=wanted, alive=True, health=health)

    def _start(self, kept: Kept, deployment: Deployment) -> None:
        try:
            kept.grace = parse(deployment.engine).drain_seconds + 5.0
            kept.recipe = _recipe(deployment)
            kept.process = self._launcher.start(deployment)
        except ApplianceError as error:
            _logger.warning("engine cannot be started", deployment=deployment.name, reason=error.detail)
            kept.course = fail(kept.course, clock.monotonic(), error.detail)

    def _report(self, kept: Kept) -> None:
        now = clock.monotonic()
        told = replace(kept.course, well_at=0.0)
        if told == kept.told and now - kept.told_at < HEARTBEAT:
            return
        if kept.deployment is not None:
            with self._system.session() as session:
                Deployments(session).report(
                    kept.deployment, kept.course, kept.process.pid if kept.process else None, kept.since
                )
        kept.told, kept.told_at = told, now


def _recipe(deployment: Deployment) -> tuple[UUID, Mapping[str, Any]]:
    """What an engine is started from. Not the whole version: that it was verified again is no reason to restart."""
    return deployment.version.id, deployment.engine
