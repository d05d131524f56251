"""Tenants and their people, decided here. Works in an operator session."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import Role, TenantId, UserId
from appliance.audit.service import Audit
from appliance.kit import clock, crypto, paging
from appliance.tenants import passwords, repository
from appliance.tenants.errors import NameTaken, TenantNotFound, UserNotFound
from appliance.tenants.tables import ApiKeyRow, SignInRow, TenantRow, UserRow

SIGN_IN_LIFE = timedelta(days=7)
KEY_PREFIX = "sk-"


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant as callers see it."""

    id: UUID
    name: str
    state: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class User:
    """A user as callers see it; never with the hash."""

    id: UUID
    tenant_id: UUID
    login: str
    name: str
    role: Role
    state: str
    created_at: datetime


class Tenants:
    """The appliance's tenants. ``actor`` is recorded in the audit; None is the appliance itself."""

    def __init__(self, session: Session, actor: UUID | None = None) -> None:
        self._session = session
        self._actor = actor

    def create(self, name: str) -> Tenant:
        """A new tenant. Raises :class:`NameTaken`."""
        if repository.tenant_named(self._session, name):
            raise NameTaken(name)
        row = TenantRow(name=name)
        self._session.add(row)
        self._session.flush()
        self._audit(row.id).record("tenant.create", row.id, name=name)
        return _tenant(row)

    def list(self, cursor: str | None, limit: int) -> paging.Page[Tenant]:
        """A page of tenants."""
        rows = repository.tenants(self._session, paging.decode(cursor), limit + 1)
        return paging.page([_tenant(row) for row in rows], limit, [row.id for row in rows])

    def people(self, tenant: UUID) -> "People":
        """The users of one tenant. Raises :class:`TenantNotFound`."""
        row = repository.tenant(self._session, tenant)
        if row is None:
            raise TenantNotFound
        return People(self._session, TenantId(row.id), self._audit(row.id))

    def _audit(self, tenant: UUID) -> Audit:
        return Audit(self._session, tenant, self._actor)


class People:
    """Users of one tenant and their credentials."""

    def __init__(self, session: Session, tenant: TenantId, audit: Audit) -> None:
        self._session = session
        self._tenant = tenant
        self._audit = audit

    def add(self, login: str, name: str, role: Role, password: str | None = None) -> User:
        """A new user. Logins are unique in the whole appliance, so that signing in needs no tenant."""
        if repository.user_by_login(self._session, login):
            raise NameTaken(login)
        row = UserRow(
            tenant_id=self._tenant,
            login=login,
            name=name,
            role=role.value,
            password_hash=passwords.hashed(password) if password else None,
        )
        self._session.add(row)
        self._session.flush()
        self._audit.record("user.create", row.id, role=role.value)
        return _user(row)

    def list(self, cursor: str | None, limit: int) -> paging.Page[User]:
        """A page of users."""
        rows = repository.users(self._session, self._tenant, paging.decode(cursor), limit + 1)
        return paging.page([_user(row) for row in rows], limit, [row.id for row in rows])

    def issue_key(self, user: UserId, name: str) -> str:
        """A new API key; this is the only time that it is seen."""
        self._one(user)
        secret = crypto.token(KEY_PREFIX)
        row = ApiKeyRow(tenant_id=self._tenant, user_id=user, name=name, hash=crypto.digest(secret), scopes=[])
        self._session.add(row)
        self._session.flush()
        self._audit.record("key.create", row.id, name=name)
        return secret

    def issue_sign_in(self, user: UserId) -> str:
        """A one-time sign-in token, good for seven days."""
        self._one(user)
        secret = crypto.token("in-")
        expires = clock.now() + SIGN_IN_LIFE
        self._session.add(
            SignInRow(tenant_id=self._tenant, user_id=user, hash=crypto.digest(secret), expires_at=expires)
        )
        self._session.flush()
        self._audit.record("sign_in.create", user)
        return secret

    def _one(self, user: UUID) -> UserRow:
        row = repository.user(self._session, self._tenant, user)
        if row is None:
            raise UserNotFound
        return row


def _tenant(row: TenantRow) -> Tenant:
    return Tenant(row.id, row.name, row.state, row.created_at)


def _user(row: UserRow) -> User:
    return User(row.id, row.tenant_id, row.login, row.name, Role(row.role), row.state, row.created_at)
