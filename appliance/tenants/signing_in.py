"""Signing in: from a password or a one-time token to a session for a browser, or to a key for a program."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access import cookies
from appliance.access.principal import Principal
from appliance.audit.service import Audit
from appliance.kit import clock, crypto, log
from appliance.kit.database import Database
from appliance.kit.ids import uuid7
from appliance.kit.settings import SessionSettings
from appliance.tenants import lockout, passwords, repository, sessions
from appliance.tenants.authentication import of_key, principal_of
from appliance.tenants.errors import BadCredential
from appliance.tenants.keys import KEY_PREFIX
from appliance.tenants.lockout import Attempt
from appliance.tenants.sessions import Opened, active
from appliance.tenants.tables import ApiKeyRow, UserRow

_logger = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser that signs in. ``former`` is the secret of the session that it still has, which ends by this."""

    lives: SessionSettings
    device: str = ""
    former: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A successful sign-in: the principal, and either a new key, shown once, or a session."""

    principal: Principal
    login: str
    key: str | None = field(default=None, repr=False)
    opened: Opened | None = None


Prove = Callable[[str, str], UUID | None]
"""Of a login and a password, the user whose they are elsewhere."""


def nowhere(_login: str, _password: str) -> UUID | None:
    """Nobody's password lies elsewhere."""
    return None


def sign_in_by_password(session: Session, login: str, password: str, browser: Browser | None = None) -> SignedIn:
    """Sign in with login and password; a system session. Raises :class:`BadCredential`, after the same time always."""
    found = repository.user_by_login(session, login)
    stored = found[0].password_hash if found else None
    if not passwords.matches(stored, password) or found is None or not active(*found):
        raise BadCredential
    user, _ = found
    if stored and passwords.outdated(stored):
        user.password_hash = passwords.hashed(password)
    return _signed_in(session, user, "password", browser)


def try_password(
    system: Database, attempt: Attempt, password: str, browser: Browser | None = None, prove: Prove = nowhere
) -> SignedIn:
    """As :func:`sign_in_by_password`, counted: raises :class:`appliance.tenants.lockout.SignInBlocked` too.

    ``prove`` asks the company's directory, which knows the passwords of those whom it handed in.
    """
    with system.session() as session:
        lockout.begin(session, attempt)
    proven = prove(attempt.login, password)
    with system.session() as session:
        if proven is not None:
            signed = sign_in_proven(session, proven, "ldap", browser)
        else:
            signed = sign_in_by_password(session, attempt.login, password, browser)
        lockout.right(session, attempt)
    return signed


def sign_in_proven(session: Session, user: UUID, how: str, browser: Browser | None = None) -> SignedIn:
    """Sign in who was recognised elsewhere; a system session. Raises :class:`BadCredential` for who is suspended."""
    found = repository.user_with_tenant(session, user)
    if found is None or not active(*found):
        raise BadCredential
    return _signed_in(session, found[0], how, browser)


def sign_in_by_token(
    session: Session, token: str, password: str | None = None, browser: Browser | None = None
) -> SignedIn:
    """Sign in with a one-time token and set a password if one is given; a system session."""
    found = repository.spend_sign_in(session, crypto.digest(token), clock.now())
    if found is None or not active(*found):
        raise BadCredential
    user, _ = found
    if password:
        user.password_hash = passwords.hashed(password)
        repository.end_sessions(session, user.id, clock.now(), None)
    return _signed_in(session, user, "one-time token", browser)


def record_refused(session: Session, login: str | None, request_id: str, source: str | None = None) -> None:
    """Write a refused sign-in down: in the audit of the tenant whose login it is, else in the log alone.

    A system session; call it when the refusal was sent, or the time it takes tells which logins there are.
    """
    found = repository.user_by_login(session, login) if login else None
    _logger.warning("sign-in refused", known=found is not None)
    if found is not None:
        user, _ = found
        now_blocked = lockout.blocked(session, Attempt(user.login, source))
        audit = Audit(session, user.tenant_id, None, request_id)
        audit.record("sign_in", user.id, outcome="refused", how="password", blocked=now_blocked)


def sign_out(session: Session, secret: str) -> None:
    """End a session by its secret; a system session. Harmless for one that is over."""
    found = repository.by_session(session, crypto.digest(secret))
    if found is None or found[0].revoked_at is not None:
        return
    row = found[0]
    row.revoked_at = clock.now()
    session.flush()
    Audit(session, row.tenant_id, row.user_id).record("sign_out", row.id)


def _signed_in(session: Session, user: UserRow, how: str, browser: Browser | None) -> SignedIn:
    if browser is None:
        return _with_key(session, user, how)
    if browser.former is not None and browser.former.startswith(cookies.SESSION_PREFIX):
        sign_out(session, browser.former)
    opened = sessions.open_for(session, user.id, how, browser.lives, browser.device)
    return SignedIn(principal_of(session, user, opened.id), user.login, opened=opened)


def _with_key(session: Session, user: UserRow, how: str) -> SignedIn:
    secret = crypto.token(KEY_PREFIX)
    key = ApiKeyRow(
        id=uuid7(),
        tenant_id=user.tenant_id,
        user_id=user.id,
        name="cli",
        hash=crypto.digest(secret),
        scopes=[],
        models=[],
    )
    session.add(key)
    session.flush()
    Audit(session, user.tenant_id, user.id).record("sign_in", user.id, how=how)
    return SignedIn(of_key(session, user, key), user.login, key=secret)
