"""Deleting a tenant, asked for and confirmed. The work is :mod:`appliance.tenants.deleting`'s.

    request ──▶ confirm (token and name, within an hour) ──▶ job ──▶ done: certificate
       │ suspends      │ nothing leads back
       └──▶ withdraw

Works in an operator session.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import Principal
from appliance.audit.service import Audit
from appliance.jobs.service import Jobs
from appliance.kit import clock, crypto
from appliance.tenants import operators, repository
from appliance.tenants.errors import (
    BeingDeleted,
    ConfirmationExpired,
    NothingToConfirm,
    NotYetDeleted,
    OwnTenant,
    TenantKept,
    TenantNotFound,
    WrongConfirmation,
)
from appliance.tenants.tables import TenantDeletionRow, TenantRow

DELETE = "tenants.delete"
CONFIRM_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Deletion:
    """A deletion as it stands. ``token`` is told once, to who asked for it."""

    tenant: UUID
    name: str
    state: str
    requested_at: datetime
    expires_at: datetime
    confirmed_at: datetime | None
    job: UUID | None
    tally: dict[str, Any]
    token: str | None = field(default=None, repr=False)


def _nothing(_tenant: UUID) -> bool:
    return False


class Deletions:
    """Deletions of tenants, by an operator of another tenant."""

    def __init__(self, session: Session, by: Principal, kept: Callable[[UUID], bool] = _nothing) -> None:
        """``kept``: whether something of a tenant must not be deleted, as its owner says."""
        self._session = session
        self._by = by
        self._kept = kept

    def request(self, tenant: UUID) -> Deletion:
        """Suspend the tenant and give the token that confirms; asked again, the former token is void.

        Raises :class:`TenantNotFound`, :class:`OwnTenant`, :class:`BeingDeleted`, :class:`TenantKept`, `LastOperator`.
        """
        if self._kept(tenant):
            raise TenantKept
        with operators.one_stays(self._session):
            row = self._tenant(tenant)
            if row.state != "suspended":
                row.state, row.version = "suspended", row.version + 1
        token, now = crypto.token("del-"), clock.now()
        asked = repository.deletion(self._session, tenant) or TenantDeletionRow(tenant=tenant)
        asked.name, asked.state, asked.token, asked.tally = row.name, "requested", crypto.digest(token), {}
        asked.requested_by, asked.requested_at, asked.expires_at = self._by.user, now, now + CONFIRM_WITHIN
        self._session.add(asked)
        self._session.flush()
        self._audit(tenant).record("tenant.deletion.request", tenant)
        return _deletion(asked, token)

    def confirm(self, tenant: UUID, token: str, name: str) -> Deletion:
        """Let the deletion begin: a job of the operator's own tenant. Nothing leads back from here.

        Raises :class:`NothingToConfirm`, :class:`WrongConfirmation`, :class:`ConfirmationExpired`, :class:`TenantKept`.
        """
        row, asked = self._tenant(tenant), repository.deletion(self._session, tenant)
        if asked is None or asked.state != "requested" or row.state != "suspended":
            raise NothingToConfirm
        if not hmac.compare_digest(asked.token, crypto.digest(token)) or name != row.name:
            raise WrongConfirmation
        if clock.now() >= asked.expires_at:
            raise ConfirmationExpired
        if self._kept(tenant):
            raise TenantKept
        row.state, row.version = "deleting", row.version + 1
        asked.state, asked.confirmed_by, asked.confirmed_at = "confirmed", self._by.user, clock.now()
        asked.job = Jobs(self._session, self._by.tenant).ask(DELETE, {"tenant": str(tenant)}, f"delete:{tenant}")
        self._session.flush()
        self._audit(tenant).record("tenant.deletion.confirm", tenant, job=str(asked.job))
        return _deletion(asked)

    def withdraw(self, tenant: UUID) -> None:
        """Take the request back; the tenant stays suspended. Raises :class:`NothingToConfirm`."""
        self._tenant(tenant)
        asked = repository.deletion(self._session, tenant)
        if asked is None or asked.state != "requested":
            raise NothingToConfirm
        asked.state, asked.token = "withdrawn", b""
        self._session.flush()
        self._audit(tenant).record("tenant.deletion.withdraw", tenant)

    def show(self, tenant: UUID) -> Deletion:
        """How far it is. Raises :class:`TenantNotFound` where nobody asked for it."""
        return _deletion(self._asked(tenant))

    def again(self, tenant: UUID) -> Deletion:
        """Have a job go on with a deletion whose job has failed; harmless while one is at it."""
        asked = self._asked(tenant)
        if asked.state != "confirmed":
            raise NothingToConfirm
        asked.job = Jobs(self._session, self._by.tenant).ask(DELETE, {"tenant": str(tenant)}, f"delete:{tenant}")
        self._session.flush()
        self._audit(tenant).record("tenant.deletion.again", tenant, job=str(asked.job))
        return _deletion(asked)

    def certificate(self, tenant: UUID) -> str:
        """The signed certificate. Raises :class:`TenantNotFound`, :class:`NotYetDeleted`."""
        found = self._asked(tenant).certificate
        if found is None:
            raise NotYetDeleted
        return found

    def _tenant(self, tenant: UUID) -> TenantRow:
        row = repository.tenant(self._session, tenant, lock=True)
        if row is None or row.state == "deleted":
            raise TenantNotFound
        if row.state == "deleting":
            raise BeingDeleted
        if tenant == self._by.tenant:
            raise OwnTenant
        return row

    def _asked(self, tenant: UUID) -> TenantDeletionRow:
        found = repository.deletion(self._session, tenant)
        if found is None:
            raise TenantNotFound
        return found

    def _audit(self, tenant: UUID) -> Audit:
        return Audit(self._session, tenant, self._by.user)


def _deletion(row: TenantDeletionRow, token: str | None = None) -> Deletion:
    return Deletion(
        row.tenant,
        row.name,
        row.state,
        row.requested_at,
        row.expires_at,
        row.confirmed_at,
        row.job,
        row.tally,
        token,
    )
