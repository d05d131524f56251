"""A tenant's connections to its directory: kept, shown without their secrets, opened for who works with them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import Principal
from appliance.audit.service import Audit
from appliance.kit import clock
from appliance.kit.canonical import digest_of
from appliance.kit.crypto import Seal
from appliance.tenants import etags
from appliance.tenants.directory import repository
from appliance.tenants.directory.errors import DirectoryNotSetUp
from appliance.tenants.directory.tables import DirectoryRow
from appliance.tenants.service import Tenants

Kind = Literal["oidc", "ldap"]


@dataclass(frozen=True, slots=True)
class Connection:
    """How a directory is reached. ``version`` counts its changes."""

    kind: str
    settings: Mapping[str, Any]
    has_secret: bool
    version: int
    changed_at: datetime
    synced_at: datetime | None


@dataclass(frozen=True, slots=True)
class Opened:
    """The same for who works with it, the secret in clear."""

    tenant: UUID
    settings: Mapping[str, Any]
    version: int
    secret: str | None = field(repr=False)


class Connections:
    """The connections of one tenant. Raises ``TenantNotFound`` where there is no such tenant."""

    def __init__(self, session: Session, tenant: UUID, seal: Seal, by: Principal | None = None) -> None:
        self._session = session
        self._tenant = Tenants(session, by).show(tenant).id
        self._seal = seal
        self._audit = Audit(session, tenant, by.user if by else None)

    def show(self, kind: Kind) -> Connection:
        """Raises :class:`DirectoryNotSetUp`."""
        return _connection(self._one(kind))

    def put(self, kind: Kind, if_match: str | None, settings: Mapping[str, Any], secret: str | None) -> Connection:
        """Set it up, or replace its settings; ``secret`` None keeps the one that is there. As :mod:`etags` says."""
        row = repository.directory(self._session, self._tenant, kind, lock=True)
        before = None if row is None else digest_of(row.settings)
        if row is None:
            row = DirectoryRow(tenant_id=self._tenant, kind=kind, settings=dict(settings))
            self._session.add(row)
        else:
            etags.check(row.version, if_match)
            row.settings, row.changed_at = dict(settings), clock.now()
            row.version += 1
        row.due_at = clock.now() if settings.get("every_minutes") else None
        if secret is not None:
            row.secret = self._seal.close(secret.encode(), f"{self._tenant} {kind}")
        self._session.flush()
        self._session.refresh(row)
        self._audit.record(
            "directory.set",
            row.id,
            before=before,
            after=digest_of(row.settings),
            directory=kind,
            secret=secret is not None,
        )
        return _connection(row)

    def delete(self, kind: Kind) -> None:
        """Forget it and its secret. People and groups stay, and nobody signs in by it."""
        row = self._one(kind, lock=True)
        self._session.delete(row)
        self._session.flush()
        self._audit.record("directory.delete", row.id, directory=kind)

    def open(self, kind: Kind) -> Opened:
        """With the secret. Raises :class:`DirectoryNotSetUp`, ``Unsealable``."""
        return opened(self._one(kind), self._seal)

    def _one(self, kind: Kind, *, lock: bool = False) -> DirectoryRow:
        row = repository.directory(self._session, self._tenant, kind, lock=lock)
        if row is None:
            raise DirectoryNotSetUp
        return row


def opened(row: DirectoryRow, seal: Seal) -> Opened:
    """A row with its secret in clear. Raises ``Unsealable``."""
    secret = None if row.secret is None else seal.open(row.secret, f"{row.tenant_id} {row.kind}").decode()
    return Opened(row.tenant_id, row.settings, row.version, secret)


def _connection(row: DirectoryRow) -> Connection:
    return Connection(row.kind, row.settings, row.secret is not None, row.version, row.changed_at, row.synced_at)
