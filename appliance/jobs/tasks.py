"""Celery's side: a bell rings, a job is run. The bell only says that something waits; the lease decides what."""

from collections.abc import Callable

from celery import Celery

from appliance.drivers.broker import TASK
from appliance.jobs.runner import Runner


def bind(app: Celery, runner: Callable[[], Runner]) -> None:
    """Give the application its one task. ``runner`` gives the one of this process, made after the fork."""

    @app.task(name=TASK)
    def run(job: str) -> None:  # noqa: ARG001 - whose turn it is may have changed since the bell was rung
        runner().run_on()
