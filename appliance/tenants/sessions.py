"""Sessions of browsers: 256 random bits in a cookie, of which only the SHA-256 is kept.

Whatever way somebody was recognised (password, one-time token, invitation, the company's directory), a session is
opened here and accepted in ``authentication``. It ends when it was idle for long, at its last hour in any case, and
when it is revoked; a changed password or role revokes all of a user's.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access import cookies
from appliance.access.principal import Principal, Role, TenantId
from appliance.audit import origin
from appliance.audit.service import Audit
from appliance.kit import clock, crypto, paging
from appliance.kit.ids import uuid7
from appliance.kit.rows import take_away
from appliance.kit.settings import SessionSettings
from appliance.tenants import repository, second_factors, settings
from appliance.tenants.errors import BadCredential, SessionNotFound, UserNotFound
from appliance.tenants.keys import may_touch
from appliance.tenants.tables import SessionRow, TenantRow, UserRow

_LONGEST_DEVICE = 200
BY_PROVIDER = frozenset({"oidc"})
"""How somebody came who never showed a password here."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session. ``secret`` goes into the cookie (``access.cookies.give``) and nowhere else."""

    id: UUID
    user_id: UUID
    tenant_id: UUID
    expires_at: datetime
    secret: str = field(repr=False)

    @property
    def csrf(self) -> str:
        """What the page shows with each change."""
        return cookies.csrf(self.secret)


@dataclass(frozen=True, slots=True)
class UserSession:
    """A session as callers see it; never with its secret. ``ends_at`` moves while it is in use."""

    id: UUID
    user_id: UUID
    how: str
    source: str | None
    device: str
    created_at: datetime
    seen_at: datetime
    ends_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


def open_for(session: Session, user: UUID, how: str, lives: SessionSettings, device: str = "") -> Opened:
    """Open a session for a user who has been recognised; audited as the user's sign-in.

    ``session`` is of the system login, or of another that sees the user; ``how`` a few words for the record, such as
    ``"password"`` or ``"oidc"``; ``lives`` are ``settings.sessions``; ``device`` is what the browser calls itself.
    Raises :class:`BadCredential` (401) for a user who is unknown, suspended, a service account, or in a suspended
    tenant. The caller commits, then hands ``secret`` to :func:`appliance.access.cookies.give`:

        opened = sessions.open_for(session, user_id, "oidc", request.app.state.settings.sessions)
        cookies.give(request, response, opened.secret)
    """
    found = repository.user_with_tenant(session, user)
    if found is None or not active(*found) or found[0].kind != "person":
        raise BadCredential
    now, secret = clock.now(), crypto.token(cookies.SESSION_PREFIX)
    row = SessionRow(
        id=uuid7(),
        tenant_id=found[0].tenant_id,
        user_id=user,
        hash=crypto.digest(secret),
        how=how,
        source=origin.current().source,
        device=device[:_LONGEST_DEVICE],
        idle_seconds=60 * lives.idle_minutes,
        created_at=now,
        seen_at=now,
        expires_at=now + timedelta(hours=lives.hours),
    )
    session.add(row)
    session.flush()
    Audit(session, row.tenant_id, user).record("sign_in", user, how=how, session=str(row.id))
    return Opened(row.id, user, row.tenant_id, row.expires_at, secret)


def active(user: UserRow, tenant: TenantRow) -> bool:
    """Whether credentials of this user are accepted."""
    return user.state == "active" and tenant.state == "active"


def must_enrol(session: Session, user: UserRow, tenant: TenantRow, how: str) -> bool:
    """Whether the tenant asks for one-time codes and who was recognised so has none yet.

    Not of whom the company's provider recognised: a second factor is that one's to ask for.
    """
    if how in BY_PROVIDER or user.kind != "person" or not settings.read(tenant.settings).require_totp:
        return False
    return not second_factors.enrolled(session, user.id)


def ends(row: SessionRow) -> datetime:
    """When it ends if no request comes any more."""
    return min(row.expires_at, row.seen_at + timedelta(seconds=row.idle_seconds))


def forget(session: Session, after: timedelta, most: int = 1000) -> int:
    """Delete up to ``most`` sessions that were over long ago, of all tenants. For the ``system`` login."""
    return take_away(session, SessionRow.id, SessionRow.expires_at < clock.now() - after, most)


class Sessions:
    """The sessions of one tenant's users. ``by`` None is the appliance itself."""

    def __init__(self, session: Session, tenant: TenantId, audit: Audit, by: Principal | None = None) -> None:
        self._session = session
        self._tenant = tenant
        self._audit = audit
        self._by = by

    def list(self, cursor: str | None, limit: int, user: UUID | None = None) -> paging.Page[UserSession]:
        """A page of the sessions that may be used now, those of one user if that is given."""
        after = paging.decode(cursor)
        rows = repository.user_sessions(self._session, self._tenant, after, limit + 1, user, clock.now())
        return paging.page([_view(row) for row in rows], limit, [row.id for row in rows])

    def revoke(self, one: UUID, user: UUID | None = None) -> UserSession:
        """Accept it no more; harmless to repeat. Raises :class:`SessionNotFound`, also if not of ``user``."""
        row = repository.user_session(self._session, self._tenant, one, lock=True)
        if row is None or user not in (None, row.user_id):
            raise SessionNotFound
        self._may_touch(row.user_id)
        if row.revoked_at is None:
            row.revoked_at = clock.now()
            self._session.flush()
            self._audit.record("session.revoke", one, user=str(row.user_id))
        return _view(row)

    def revoke_all(self, user: UUID, but: UUID | None = None) -> int:
        """End a user's sessions, but one; how many that were. Raises :class:`UserNotFound`."""
        self._may_touch(user)
        ended = repository.end_sessions(self._session, user, clock.now(), but)
        if ended:
            self._audit.record("session.revoke_all", user, count=ended)
        return ended

    def _may_touch(self, user: UUID) -> None:
        found = repository.user(self._session, self._tenant, user)
        if found is None:
            raise UserNotFound
        if self._by is None or self._by.user != user:
            may_touch(self._by, Role(found.role))


def _view(row: SessionRow) -> UserSession:
    return UserSession(
        id=row.id,
        user_id=row.user_id,
        how=row.how,
        source=row.source,
        device=row.device,
        created_at=row.created_at,
        seen_at=row.seen_at,
        ends_at=ends(row),
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
