"""Exports of a tenant, asked for: all that it has as one archive, which a job writes and which is gone after a day.

With content for who may have it there (its own administrators), without for an operator of the appliance. No state of
the licence closes it. Works in a session of the app login for the tenant's own people, else of the operator login.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from appliance.access.permissions import Action, allowed
from appliance.access.principal import Principal
from appliance.audit.service import Audit
from appliance.jobs.service import Jobs
from appliance.kit import clock, paging
from appliance.kit.ids import uuid7
from appliance.tenants import repository
from appliance.tenants.errors import ExportNotFound, ExportNotReady, TenantNotFound
from appliance.tenants.tables import TenantExportRow

EXPORT = "tenants.export"
KEPT_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Export:
    """An export as it stands; ``bytes`` and ``sha256`` once the archive is written."""

    id: UUID
    tenant_id: UUID
    content: bool
    job: UUID
    bytes: int | None
    sha256: str | None
    created_at: datetime
    expires_at: datetime


def place(root: Path, tenant: UUID, export: UUID) -> Path:
    """Where an archive lies: both parts are ids, nobody's text."""
    return root / str(tenant) / f"{export}.zip"


class Exports:
    """The exports of one tenant, by one caller."""

    def __init__(self, session: Session, by: Principal, tenant: UUID) -> None:
        self._session = session
        self._by = by
        self._tenant = tenant

    def ask(self) -> Export:
        """Have an archive written. Raises :class:`TenantNotFound` for a tenant that is deleted."""
        found = repository.tenant(self._session, self._tenant)
        if found is None or found.state in ("deleting", "deleted"):
            raise TenantNotFound
        now, name = clock.now(), uuid7()
        content = allowed(self._by, Action.EXPORT_CONTENT, self._tenant)
        args = {"tenant": str(self._tenant), "export": str(name)}
        row = TenantExportRow(
            id=name,
            tenant_id=self._tenant,
            requested_by=self._by.user,
            content=content,
            job=Jobs(self._session, self._by.tenant).ask(EXPORT, args),
            created_at=now,
            expires_at=now + KEPT_FOR,
        )
        self._session.add(row)
        self._session.flush()
        self._audit().record("tenant.export", name, content=content)
        return _export(row)

    def list(self, cursor: str | None, limit: int, state: str | None = None) -> paging.Page[Export]:
        """A page of those that are not over, newest first, or of those that are ``ready`` or still ``waiting``."""
        query = select(TenantExportRow).where(*self._visible()).order_by(TenantExportRow.id.desc()).limit(limit + 1)
        if state is not None:
            query = query.where(TenantExportRow.sha256.is_not(None).is_(state == "ready"))
        if (before := paging.decode(cursor)) is not None:
            query = query.where(TenantExportRow.id < before)
        rows = self._session.scalars(query).all()
        return paging.page([_export(row) for row in rows], limit, [row.id for row in rows])

    def show(self, export: UUID) -> Export:
        """One export. Raises :class:`ExportNotFound`, also for one whose content the caller may not have."""
        row = self._session.scalars(select(TenantExportRow).where(TenantExportRow.id == export, *self._visible()))
        found = row.one_or_none()
        if found is None:
            raise ExportNotFound
        return _export(found)

    def fetch(self, export: UUID) -> Export:
        """One whose archive is there, about to be sent. Raises :class:`ExportNotFound`, :class:`ExportNotReady`."""
        found = self.show(export)
        if found.sha256 is None:
            raise ExportNotReady
        self._audit().record("tenant.export.download", export, content=found.content)
        return found

    def _visible(self) -> tuple[ColumnElement[bool], ...]:
        whose, alive = TenantExportRow.tenant_id == self._tenant, TenantExportRow.expires_at > clock.now()
        if allowed(self._by, Action.EXPORT_CONTENT, self._tenant):
            return whose, alive
        return whose, alive, TenantExportRow.content.is_(False)

    def _audit(self) -> Audit:
        return Audit(self._session, self._tenant, self._by.user)


def over(session: Session, most: int = 100) -> list[tuple[UUID, UUID]]:
    """Take the rows of exports whose time is over, of all tenants; (tenant, export). For the ``system`` login."""
    old = select(TenantExportRow.id).where(TenantExportRow.expires_at <= clock.now()).limit(most)
    gone = delete(TenantExportRow).where(TenantExportRow.id.in_(old))
    rows = session.execute(gone.returning(TenantExportRow.tenant_id, TenantExportRow.id))
    return [(row[0], row[1]) for row in rows]


def _export(row: TenantExportRow) -> Export:
    return Export(row.id, row.tenant_id, row.content, row.job, row.bytes, row.sha256, row.created_at, row.expires_at)
