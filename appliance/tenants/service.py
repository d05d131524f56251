"""Tenants, decided here. Works in an operator session; in one of the app login for the tenant's own people."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import Principal, TenantId
from appliance.audit.service import Audit
from appliance.jobs import suspending
from appliance.kit import paging
from appliance.tenants import etags, operators, repository, settings
from appliance.tenants.errors import BeingDeleted, NameTaken, TenantNotFound
from appliance.tenants.groups import Groups
from appliance.tenants.invitations import Invitations
from appliance.tenants.keys import Keys
from appliance.tenants.names import taken_once
from appliance.tenants.people import People
from appliance.tenants.room import Room
from appliance.tenants.sessions import Sessions
from appliance.tenants.settings import TenantSettings
from appliance.tenants.tables import TenantRow


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant as callers see it. ``version`` counts its changes."""

    id: UUID
    name: str
    state: str
    settings: TenantSettings
    version: int
    created_at: datetime


class Tenants:
    """The appliance's tenants. ``by`` is who asks, None the appliance itself; ``room`` what the licence has room for.

    Without ``room`` nothing is counted: for the first start, before there is anybody whom a licence could bind.
    """

    def __init__(self, session: Session, by: Principal | None = None, room: Room | None = None) -> None:
        self._session = session
        self._by = by
        self._room = room

    def create(self, name: str, chosen: Mapping[str, Any] | None = None) -> Tenant:
        """A new tenant. Raises :class:`NameTaken`; ``NotLicensed``, ``LimitReached`` when there is no room for it."""
        if self._room is not None:
            self._room.tenant(self._session)
        self._free(name)
        row = TenantRow(name=name, settings=settings.written({}, chosen or {}))
        with taken_once(self._session, name):
            self._session.add(row)
        self._audit(row.id).record("tenant.create", row.id, name=name)
        return _tenant(row)

    def list(
        self, cursor: str | None, limit: int, state: str | None = None, name: str | None = None
    ) -> paging.Page[Tenant]:
        """A page of tenants, of one state or name if that is given."""
        rows = repository.tenants(self._session, paging.decode(cursor), limit + 1, state, name)
        return paging.page([_tenant(row) for row in rows], limit, [row.id for row in rows])

    def show(self, tenant: UUID) -> Tenant:
        """One tenant, also what is left of a deleted one. Raises :class:`TenantNotFound`."""
        return _tenant(self._one(tenant))

    def change(
        self, tenant: UUID, if_match: str | None, name: str | None = None, chosen: Mapping[str, Any] | None = None
    ) -> Tenant:
        """Rename it, or replace the settings that are named. Raises :class:`NameTaken`, and as :mod:`etags` says."""
        row = self._one(tenant, lock=True)
        etags.check(row.version, if_match)
        if name is not None and name != row.name:
            self._free(name)
            with taken_once(self._session, name):
                row.name = name
        if chosen:
            row.settings = settings.written(row.settings, chosen)
        row.version += 1
        self._session.flush()
        self._audit(tenant).record("tenant.change", tenant, name=name, settings=sorted(chosen or ()))
        return _tenant(row)

    def suspend(self, tenant: UUID) -> Tenant:
        """Let nobody of it in any more, end its jobs. Raises :class:`LastOperator` when the last operator is in it."""
        with operators.one_stays(self._session):
            suspended = self._state(tenant, "suspended")
        suspending.stop(self._session, tenant)
        return suspended

    def resume(self, tenant: UUID) -> Tenant:
        """Let its people in again, who take their seats again. Raises ``LimitReached``."""
        if self._room is not None and self._one(tenant, lock=True).state == "suspended":
            self._room.seats(self._session, repository.people_count(self._session, tenant))
        return self._state(tenant, "active")

    def people(self, tenant: UUID) -> People:
        """The users of one tenant. Raises :class:`TenantNotFound`."""
        found = self._living(tenant)
        return People(self._session, found, self._audit(found), self._by, self._room)

    def groups(self, tenant: UUID) -> Groups:
        """The groups of one tenant. Raises :class:`TenantNotFound`."""
        found = self._living(tenant)
        return Groups(self._session, found, self._audit(found))

    def invitations(self, tenant: UUID) -> Invitations:
        """The invitations of one tenant. Raises :class:`TenantNotFound`."""
        found = self._living(tenant)
        return Invitations(self._session, found, self._audit(found), self._by, self._room)

    def keys(self, tenant: UUID) -> Keys:
        """The API keys of one tenant. Raises :class:`TenantNotFound`."""
        found = self._living(tenant)
        return Keys(self._session, found, self._audit(found), self._by)

    def sessions(self, tenant: UUID) -> Sessions:
        """The sessions of one tenant's users. Raises :class:`TenantNotFound`."""
        found = self._living(tenant)
        return Sessions(self._session, found, self._audit(found), self._by)

    def _state(self, tenant: UUID, state: str) -> Tenant:
        row = self._one(tenant, lock=True)
        if row.state != state:
            row.state = state
            row.version += 1
            self._session.flush()
        self._audit(tenant).record(f"tenant.{'suspend' if state == 'suspended' else 'resume'}", tenant)
        return _tenant(row)

    def _one(self, tenant: UUID, *, lock: bool = False) -> TenantRow:
        row = repository.tenant(self._session, tenant, lock=lock)
        if row is None or (lock and row.state == "deleted"):
            raise TenantNotFound
        if lock and row.state == "deleting":
            raise BeingDeleted
        return row

    def _living(self, tenant: UUID) -> TenantId:
        row = self._one(tenant)
        if row.state in ("deleting", "deleted"):
            raise TenantNotFound
        return TenantId(row.id)

    def _free(self, name: str) -> None:
        if repository.tenant_named(self._session, name):
            raise NameTaken.about(name)

    def _audit(self, tenant: UUID) -> Audit:
        return Audit(self._session, tenant, self._by.user if self._by else None)


def _tenant(row: TenantRow) -> Tenant:
    return Tenant(row.id, row.name, row.state, settings.read(row.settings), row.version, row.created_at)
