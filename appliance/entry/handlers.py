"""Every kind of job with the code that runs it and the code that is told of its end, and the chores of each sweep.

The worker runs them; the web process knows them for the endings: a job cancelled before it began ends there.
"""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.orm import Session

import appliance.catalog.tasks
import appliance.knowledge.sources.tasks
import appliance.knowledge.tasks
import appliance.tenants.directory.tasks
from appliance.catalog import adapters
from appliance.catalog.shelf import Shelf
from appliance.chat import service as chat
from appliance.chat.service import forget_document
from appliance.drivers.blobs import STAGING
from appliance.entry import exporting, forgetting, keeping
from appliance.jobs.registry import Registry
from appliance.kit import clock, staging
from appliance.kit.settings import Settings, load
from appliance.knowledge import batches, retaining
from appliance.knowledge.connect import Workshop
from appliance.knowledge.forgetting import unfinished
from appliance.knowledge.sources.watching import Watching
from appliance.tenants import idempotency, invitations, lockout, sessions
from appliance.usage import rolling, stock

Chore = Callable[[Session], object]
"""Something small to do with every sweep, in a transaction of the ``system`` login, each in its own."""


def registry(configured: Callable[[], Settings] = load) -> Registry:
    """The appliance's kinds of jobs. The settings are read when the first job runs, by the process that runs it."""
    kinds = Registry()
    forgetters = (forget_document, stock.forget_document, appliance.knowledge.sources.tasks.forget_document)
    appliance.knowledge.tasks.register(kinds, lambda: Workshop(configured()), forgetters)
    appliance.knowledge.sources.tasks.register(kinds, configured)
    appliance.catalog.tasks.register(kinds, configured)
    forgetting.register(kinds, configured)
    exporting.register(kinds, configured)
    appliance.tenants.directory.tasks.register(kinds, configured)
    return kinds


class Seldom:
    """A chore that is done once an hour, whatever the pause between two sweeps."""

    def __init__(self, chore: Chore, seconds: float = 3600.0) -> None:
        self._chore = chore
        self._seconds = seconds
        self._due = float("-inf")

    def __call__(self, session: Session) -> None:
        """Do it if it is due; one that failed is due again."""
        if clock.monotonic() >= self._due:
            self._chore(session)
            self._due = clock.monotonic() + self._seconds


def chores(settings: Settings) -> tuple[Chore, ...]:
    """What the sweep does besides jobs; harmless when two do it at once."""
    keep = timedelta(hours=settings.web.keep_idempotency_hours)
    ended = timedelta(days=settings.sessions.keep_days)
    shelf = Shelf(settings.layout.adapters)
    homes = (settings.layout.blobs, settings.layout.adapters, settings.model_store)
    return (
        lambda session: idempotency.forget(session, keep),
        lambda session: sessions.forget(session, ended),
        lambda session: invitations.forget(session, timedelta(days=settings.invitations.keep_days)),
        lockout.forget,
        chat.close_orphans,
        appliance.tenants.directory.tasks.due,
        Watching(settings.sources),
        appliance.knowledge.sources.tasks.due,
        lambda session: adapters.sweep(session, shelf),
        lambda _: [staging.sweep(home / STAGING) for home in homes],
        rolling.roll_up,
        forgetting.late_rows,
        lambda session: exporting.clear(session, settings),
        Seldom(retaining.due),
        Seldom(unfinished),
        Seldom(lambda session: batches.forget(session, timedelta(days=settings.jobs.keep_jobs_days))),
        Seldom(lambda session: rolling.forget(session, settings.usage)),
        Seldom(lambda session: appliance.knowledge.sources.tasks.forget_log(session, settings)),
        Seldom(lambda session: keeping.forget_conversations(session, settings)),
    )
