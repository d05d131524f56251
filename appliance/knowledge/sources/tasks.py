"""The slice's kinds of jobs, and the chores of the sweep: translation only."""

from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import TenantId, UserId
from appliance.drivers.blobs import Blobs
from appliance.jobs.registry import Registry
from appliance.jobs.run import Run
from appliance.jobs.service import Jobs
from appliance.kit import clock, crypto
from appliance.kit.crypto import Seal
from appliance.kit.database import Database, address
from appliance.kit.settings import Settings
from appliance.knowledge import connect
from appliance.knowledge.errors import UnderHold
from appliance.knowledge.intake import Intake
from appliance.knowledge.repository import Documents
from appliance.knowledge.sources import repository, service
from appliance.knowledge.sources.connectors import Opening
from appliance.knowledge.sources.connectors import connect as reach
from appliance.knowledge.sources.service import REMOVE, SYNC
from appliance.knowledge.sources.syncing import Sync, Tools, ended
from appliance.knowledge.sources.taking import Account
from appliance.licensing.asking import Licences
from appliance.licensing.place import Place
from appliance.licensing.points import Point

PURPOSE: Final = "sources"
_LONGEST: Final = 6 * 3600.0
_AT_ONCE: Final = 100


def sealed_by(settings: Settings) -> Seal:
    """What seals the credentials of sources on this appliance."""
    return Seal(crypto.kept(settings.layout.secret("sources-key")), PURPOSE)


def register(registry: Registry, configured: Callable[[], Settings]) -> None:
    """Add sync and removal. The settings are read when the first job runs."""

    def sync(run: Run) -> Mapping[str, Any]:
        settings = configured()
        with closing(Database(address(settings, "system"), pool_size=1)) as system:
            Licences(system, Place.of(settings)).now().check(Point.WRITING)
        return Sync(run, tools(settings, connect.blobs(settings)))()

    registry.add(SYNC, sync, ended=ended, longest=_LONGEST)
    registry.add(REMOVE, remove)


def tools(settings: Settings, blobs: Blobs) -> Tools:
    """What a sync works with."""
    seal = sealed_by(settings)
    return Tools(
        blobs=blobs,
        largest=settings.web.largest_upload,
        most=settings.sources.items,
        open=partial(_opened, seal=seal),
        connect=partial(reach, configured=settings),
    )


def _opened(session: Session, source: UUID, *, seal: Seal) -> Opening:
    return service.opened(session, source, seal)


def remove(run: Run) -> Mapping[str, Any]:
    """The job ``source.remove``: forget what came from a source, some at a time, then the source."""
    source, forgotten, held = UUID(str(run.args["source"])), 0, 0
    while not run.args["keep"]:
        with run.transaction() as session:
            row = repository.source(session, source)
            found = repository.with_documents(session, source, _AT_ONCE) if row is not None else []
            if row is None or not found:
                break
            intake = Intake(session, run.tenant, Account(UserId(row.created_by)))
            documents = Documents(session, run.tenant)
            for document in found:
                locked = documents.lock(document)
                try:
                    if locked is not None and locked.state != "deleting":
                        intake.forget(locked)
                        forgotten += 1
                except UnderHold:
                    held += 1
            repository.let_go(session, source, found)
        run.progress(forgotten + held, None, "forgetting")
    with run.transaction() as session:
        row = repository.source(session, source, lock=True)
        if row is not None:
            session.delete(row)
    return {"documents": forgotten, "held": held}


def due(session: Session) -> int:
    """Ask for every sync whose time has come; how many. For the ``system`` login."""
    rows = repository.due(session, clock.now())
    for row in rows:
        service.ask(Jobs(session, TenantId(row.tenant_id)), row.id)
    return len(rows)


def forget_document(session: Session, _tenant: TenantId, document: UUID) -> None:
    """A document is deleted everywhere: the port of knowledge's forgetting."""
    repository.forget_document(session, document)


def forget_log(session: Session, settings: Settings) -> None:
    """A chore: what is old is not told any more."""
    repository.forget_log(session, timedelta(days=settings.sources.keep_log_days))
