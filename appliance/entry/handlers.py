"""Every kind of job with the code that runs it and the code that is told of its end, and the chores of each sweep.

The worker runs them; the web process knows them for the endings: a job cancelled before it began ends there.
"""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.orm import Session

from appliance.jobs.registry import Registry
from appliance.kit.settings import Settings
from appliance.tenants import idempotency

Chore = Callable[[Session], object]
"""Something small to do with every sweep, in a transaction of the ``system`` login, each in its own."""


def registry() -> Registry:
    """The appliance's kinds of jobs."""
    return Registry()


def chores(settings: Settings) -> tuple[Chore, ...]:
    """What the sweep does besides jobs; harmless when two do it at once."""
    keep = timedelta(hours=settings.web.keep_idempotency_hours)
    return (lambda session: idempotency.forget(session, keep),)
