"""API keys: 256 random bits of which only the SHA-256 is kept, with scopes, models and an end."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.permissions import Action
from appliance.access.principal import Principal, Role, TenantId
from appliance.audit.service import Audit
from appliance.kit import clock, crypto, paging
from appliance.kit.errors import Forbidden
from appliance.tenants import repository
from appliance.tenants.errors import KeyEnded, KeyNotFound, UnknownScope, UserNotFound
from appliance.tenants.tables import ApiKeyRow

KEY_PREFIX = "sk-"
Succeed = Callable[[Session, UUID, UUID], None]
"""What slices to the left hold of a key, say its quota, goes on to the one that follows it. ``entry`` fills it in."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a key may be used for. ``scopes``: names of actions, ``models``: names of routes; None: not limited."""

    scopes: frozenset[str] | None = None
    models: frozenset[str] | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """A key as callers see it; never with the secret or its hash."""

    id: UUID
    user_id: UUID
    name: str
    scopes: list[str] | None
    models: list[str] | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Issued:
    """A new key and its secret, which is shown this once."""

    key: Key
    secret: str = field(repr=False)


def may_touch(by: Principal | None, role: Role) -> None:
    """Raise ``Forbidden`` when a role of the appliance is to be given, or changed, by somebody who is no operator."""
    if by is not None and by.role is not Role.OPERATOR and role.of_the_appliance:
        raise Forbidden(f"only an operator may give the role {role}, or change who has it")


class Keys:
    """The keys of one tenant's users. ``by`` None is the appliance itself."""

    def __init__(self, session: Session, tenant: TenantId, audit: Audit, by: Principal | None = None) -> None:
        self._session = session
        self._tenant = tenant
        self._audit = audit
        self._by = by

    def create(self, user: UUID, name: str, limits: Limits | None = None) -> Issued:
        """A new key. Raises :class:`UserNotFound`, :class:`UnknownScope`, ``Forbidden``."""
        wanted = limits or Limits()
        self._may_touch(user)
        self._within(wanted)
        secret = crypto.token(KEY_PREFIX)
        row = ApiKeyRow(
            tenant_id=self._tenant,
            user_id=user,
            name=name,
            hash=crypto.digest(secret),
            scopes=sorted(wanted.scopes or ()),
            models=sorted(wanted.models or ()),
            expires_at=wanted.expires_at,
        )
        self._session.add(row)
        self._session.flush()
        self._audit.record("key.create", row.id, name=name, user=str(user), scopes=row.scopes, models=row.models)
        return Issued(_key(row), secret)

    def list(self, cursor: str | None, limit: int, user: UUID | None = None) -> paging.Page[Key]:
        """A page of keys, those of one user if that is given."""
        rows = repository.keys(self._session, self._tenant, paging.decode(cursor), limit + 1, user)
        return paging.page([_key(row) for row in rows], limit, [row.id for row in rows])

    def show(self, key: UUID) -> Key:
        """One key. Raises :class:`KeyNotFound`."""
        return _key(self._one(key))

    def revoke(self, key: UUID) -> Key:
        """Accept it no more; harmless to repeat."""
        row = self._touched(key)
        if row.revoked_at is None:
            row.revoked_at = clock.now()
            self._session.flush()
            self._audit.record("key.revoke", key)
        return _key(row)

    def rotate(self, key: UUID, overlap: timedelta) -> Issued:
        """A new key like this one, which ends after the overlap. Raises :class:`KeyEnded`.

        The new key lives as long as the old one was made for.
        """
        row, now = self._touched(key), clock.now()
        if not alive(row.revoked_at, row.expires_at, now):
            raise KeyEnded
        life = row.expires_at - row.created_at if row.expires_at else None
        old = _key(row)
        made = self.create(
            row.user_id, row.name, Limits(_limit(old.scopes), _limit(old.models), now + life if life else None)
        )
        row.expires_at = min(row.expires_at or now + overlap, now + overlap)
        self._session.flush()
        self._audit.record("key.rotate", key, new=str(made.key.id), overlap_seconds=int(overlap.total_seconds()))
        return made

    def _within(self, wanted: Limits) -> None:
        if unknown := (wanted.scopes or frozenset()) - set(Action):
            raise UnknownScope(f"there is no action {min(unknown)!r}; there are: {', '.join(sorted(Action))}")
        if self._by is None:
            return
        if not (_inside(wanted.scopes, self._by.scopes) and _inside(wanted.models, self._by.models)):
            raise Forbidden("a key may not make one that may do more than itself")

    def _touched(self, key: UUID) -> ApiKeyRow:
        row = self._one(key, lock=True)
        self._may_touch(row.user_id)
        return row

    def _may_touch(self, user: UUID) -> None:
        found = repository.user(self._session, self._tenant, user)
        if found is None:
            raise UserNotFound
        may_touch(self._by, Role(found.role))

    def _one(self, key: UUID, *, lock: bool = False) -> ApiKeyRow:
        row = repository.key(self._session, self._tenant, key, lock=lock)
        if row is None:
            raise KeyNotFound
        return row


def alive(revoked_at: datetime | None, expires_at: datetime | None, now: datetime) -> bool:
    """Whether a key is accepted at this moment."""
    return revoked_at is None and (expires_at is None or expires_at > now)


def _inside(wanted: frozenset[str] | None, limit: frozenset[str] | None) -> bool:
    return limit is None or (wanted is not None and wanted <= limit)


def _limit(names: Collection[str] | None) -> frozenset[str] | None:
    return frozenset(names) if names else None


def _key(row: ApiKeyRow) -> Key:
    return Key(
        id=row.id,
        user_id=row.user_id,
        name=row.name,
        scopes=list(row.scopes) or None,
        models=list(row.models or ()) or None,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
