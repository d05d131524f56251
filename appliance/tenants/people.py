"""Users of one tenant: people, and service accounts that sign in with keys only."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import Principal, Role, TenantId, UserId
from appliance.audit.service import Audit
from appliance.jobs import suspending
from appliance.kit import clock, crypto, paging
from appliance.kit.errors import Forbidden
from appliance.tenants import etags, operators, passwords, repository
from appliance.tenants.errors import NameTaken, ServiceHasNoPassword, UserNotFound
from appliance.tenants.keys import Keys, may_touch
from appliance.tenants.names import taken_once
from appliance.tenants.repository import UserFilter
from appliance.tenants.room import Room
from appliance.tenants.tables import SignInRow, UserRow

SIGN_IN_LIFE = timedelta(days=7)
Kind = Literal["person", "service"]


@dataclass(frozen=True, slots=True)
class User:
    """A user as callers see it; never with the hash. ``version`` counts its changes."""

    id: UUID
    tenant_id: UUID
    kind: str
    login: str
    name: str
    role: Role
    state: str
    version: int
    created_at: datetime


class People:
    """Users of one tenant and their credentials. ``by`` None is the appliance itself, which may do all."""

    def __init__(
        self, session: Session, tenant: TenantId, audit: Audit, by: Principal | None = None, room: Room | None = None
    ) -> None:
        self._room = room
        self._session = session
        self._tenant = tenant
        self._audit = audit
        self._by = by

    def add(self, login: str, name: str, role: Role, password: str | None = None, kind: Kind = "person") -> User:
        """A new user. Logins are unique in the whole appliance, so that signing in needs no tenant.

        Raises :class:`NameTaken`, ``Forbidden``; ``NotLicensed``, ``LimitReached`` for a person without a seat.
        """
        may_touch(self._by, role)
        self._seat(kind)
        if password is not None:
            self._may_set_password(kind)
        if repository.user_by_login(self._session, login):
            raise NameTaken.about(login)
        row = UserRow(
            tenant_id=self._tenant,
            kind=kind,
            login=login,
            name=name,
            role=role.value,
            password_hash=passwords.hashed(password) if password else None,
        )
        with taken_once(self._session, login):
            self._session.add(row)
        self._audit.record("user.create", row.id, role=role.value, kind=kind)
        return _user(row)

    def list(self, cursor: str | None, limit: int, wanted: UserFilter | None = None) -> paging.Page[User]:
        """A page of users, those that the filter names."""
        rows = repository.users(self._session, self._tenant, paging.decode(cursor), limit + 1, wanted or UserFilter())
        return paging.page([_user(row) for row in rows], limit, [row.id for row in rows])

    def show(self, user: UUID) -> User:
        """One user. Raises :class:`UserNotFound`."""
        return _user(self._one(user))

    def change(self, user: UUID, if_match: str | None, name: str | None = None, role: Role | None = None) -> User:
        """Change name or role. Raises :class:`LastOperator`, ``Forbidden``, and as :mod:`etags` says."""
        with operators.one_stays(self._session):
            row = self._touched(user)
            etags.check(row.version, if_match)
            if role is not None and role != row.role:
                may_touch(self._by, role)
                row.role = role.value
                self._end_sessions(user)
            row.name = name or row.name
            row.version += 1
        self._audit.record("user.change", user, role=row.role)
        return _user(row)

    def suspend(self, user: UUID) -> User:
        """Accept none of this user's credentials any more, end the user's jobs. Raises :class:`LastOperator`."""
        with operators.one_stays(self._session):
            suspended = self._state(user, "suspended")
        suspending.stop(self._session, self._tenant, user)
        return suspended

    def resume(self, user: UUID) -> User:
        """Accept this user's credentials again. Raises ``LimitReached`` for a person whose seat is taken."""
        row = self._one(user, lock=True)
        if row.state == "suspended":
            self._seat(row.kind)
        return self._state(user, "active")

    def set_password(self, user: UUID, password: str) -> None:
        """Set a person's password. Raises :class:`ServiceHasNoPassword`."""
        row = self._touched(user)
        self._may_set_password(row.kind)
        row.password_hash = passwords.hashed(password)
        row.version += 1
        self._session.flush()
        self._end_sessions(user)
        self._audit.record("user.set_password", user)

    def issue_key(self, user: UserId, name: str) -> str:
        """A new API key without limits; this is the only time that it is seen."""
        return Keys(self._session, self._tenant, self._audit, self._by).create(user, name).secret

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

    def _state(self, user: UUID, state: str) -> User:
        row = self._touched(user)
        if row.state != state:
            row.state = state
            row.version += 1
            self._session.flush()
        self._audit.record(f"user.{'suspend' if state == 'suspended' else 'resume'}", user)
        return _user(row)

    def _end_sessions(self, user: UUID) -> None:
        """Who has another role or password signs in anew: whoever sits at an old session does not gain by it."""
        repository.end_sessions(self._session, user, clock.now(), None)

    def _seat(self, kind: str) -> None:
        if self._room is not None and kind == "person":
            self._room.seats(self._session)

    def _may_set_password(self, kind: str) -> None:
        if kind == "service":
            raise ServiceHasNoPassword
        if self._by is not None and self._by.scopes is not None:  # signing in with it gives a key without scopes
            raise Forbidden("a key with scopes may not set passwords")

    def _touched(self, user: UUID) -> UserRow:
        row = self._one(user, lock=True)
        may_touch(self._by, Role(row.role))
        return row

    def _one(self, user: UUID, *, lock: bool = False) -> UserRow:
        row = repository.user(self._session, self._tenant, user, lock=lock)
        if row is None:
            raise UserNotFound
        return row


def _user(row: UserRow) -> User:
    role = Role(row.role)
    return User(row.id, row.tenant_id, row.kind, row.login, row.name, role, row.state, row.version, row.created_at)
