"""Signing in: from a password or a one-time token to a session for a browser, or to a key for a program."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access import cookies
from appliance.access.permissions import ENROL
from appliance.access.principal import Principal
from appliance.audit.service import Audit
from appliance.kit import clock, crypto, log
from appliance.kit.crypto import Seal
from appliance.kit.database import Database
from appliance.kit.errors import Broken
from appliance.kit.ids import uuid7
from appliance.kit.settings import SessionSettings
from appliance.tenants import lockout, passwords, repository, second_factors, sessions
from appliance.tenants.authentication import of_key, principal_of
from appliance.tenants.errors import BadCredential, CodeNeeded, NoSecondFactor, UserNotFound
from appliance.tenants.keys import KEY_PREFIX
from appliance.tenants.lockout import Attempt
from appliance.tenants.sessions import Opened, active
from appliance.tenants.tables import ApiKeyRow, UserRow

_logger = log.get(__name__)
T = TypeVar("T")
ENROLLING: Final = timedelta(hours=1)
"""How long a key lives that may only set one-time codes up."""


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


Spend = Callable[[Session, UUID], str | None]
"""Uses the code of a user up: of what kind it was; None for who needs none."""


def nowhere(_login: str, _password: str) -> UUID | None:
    """Nobody's password lies elsewhere."""
    return None


def _no_code(session: Session, user: UUID) -> str | None:
    return second_factors.spend(session, None, user, None)


@dataclass(frozen=True, slots=True)
class Doors:
    """What a sign-in asks beside the tables. Without ``seal`` nobody who has one-time codes is let in.

    ``pretend`` is called after a refusal, to take as long as ``prove`` would have where that had nothing to ask.
    """

    prove: Prove = nowhere
    seal: Seal | None = None
    pretend: Callable[[str, str], object] = nowhere

    @property
    def sealing(self) -> Seal:
        """What second factors are sealed with."""
        if self.seal is None:
            raise Broken("this process has no seal for second factors")
        return self.seal


ALONE = Doors()


@dataclass(frozen=True, slots=True)
class Claim:
    """A login with a password, and who is asked about it."""

    doors: Doors
    login: str
    password: str = field(repr=False)


def sign_in_by_password(
    session: Session, login: str, password: str, browser: Browser | None = None, spend: Spend = _no_code
) -> SignedIn:
    """Sign in with login and password; a system session. Raises :class:`BadCredential`, after the same time always.

    ``spend`` uses the code up, asked once the password is right: raises :class:`CodeNeeded`.
    """
    user = _by_password(session, login, password)
    return _signed_in(session, user, _how("password", spend(session, user.id)), browser)


def _by_password(session: Session, login: str, password: str) -> UserRow:
    found = repository.user_by_login(session, login)
    stored = found[0].password_hash if found else None
    if not passwords.matches(stored, password) or found is None or not active(*found):
        raise BadCredential
    user, _ = found
    if stored and passwords.outdated(stored):
        user.password_hash = passwords.hashed(password)
    return user


def try_password(
    system: Database,
    attempt: Attempt,
    password: str,
    browser: Browser | None = None,
    doors: Doors = ALONE,
    code: str | None = None,
) -> SignedIn:
    """As :func:`sign_in_by_password`, counted: raises :class:`appliance.tenants.lockout.SignInBlocked` too.

    ``doors.prove`` asks the company's directory, which knows the passwords of those whom it handed in. ``code`` is that
    of the second factor: a wrong one counts as a wrong password does, to ask which is needed does not.
    """

    def spend(session: Session, user: UUID) -> str | None:
        return second_factors.spend(session, doors.seal, user, code)

    def act(session: Session, proven: UUID | None) -> SignedIn:
        if proven is not None:
            return sign_in_proven(session, proven, "ldap", browser, spend)
        return sign_in_by_password(session, attempt.login, password, browser, spend)

    return _counted(system, attempt, Claim(doors, attempt.login, password), act, asking=code is None)


def disable_totp(system: Database, attempt: Attempt, password: str, code: str, doors: Doors) -> None:
    """Ask this login for no more codes, counted as a sign-in is. Raises :class:`BadCredential`, :class:`CodeNeeded`."""

    def act(session: Session, proven: UUID | None) -> None:
        found = repository.user_with_tenant(session, proven) if proven is not None else None
        user = found[0] if found is not None else _by_password(session, attempt.login, password)
        if second_factors.spend(session, doors.seal, user.id, code) is None:
            raise NoSecondFactor
        second_factors.forget(session, user.id)
        Audit(session, user.tenant_id, user.id).record("totp.disable", user.id)

    _counted(system, attempt, Claim(doors, attempt.login, password), act, asking=False)


def login_of(session: Session, principal: Principal) -> str:
    """What this principal signs in as. Raises :class:`UserNotFound`."""
    found = repository.user_with_tenant(session, principal.user)
    if found is None:
        raise UserNotFound
    return found[0].login


def _counted(
    system: Database,
    attempt: Attempt,
    claim: Claim,
    act: Callable[[Session, UUID | None], T],
    *,
    asking: bool,
) -> T:
    """Act on a password, counted. Who only asks which code is needed (``asking``) has made no guess with it."""
    with system.session() as session:
        lockout.begin(session, attempt)
    proven = claim.doors.prove(claim.login, claim.password)
    try:
        with system.session() as session:
            done = act(session, proven)
            lockout.right(session, attempt)
    except BadCredential:
        claim.doors.pretend(claim.login, claim.password)
        raise
    except CodeNeeded:
        if asking:
            with system.session() as session:
                lockout.back(session, attempt)
        raise
    return done


def sign_in_proven(
    session: Session, user: UUID, how: str, browser: Browser | None = None, spend: Spend = _no_code
) -> SignedIn:
    """Sign in who was recognised elsewhere; a system session. Raises :class:`BadCredential` for who is suspended."""
    found = repository.user_with_tenant(session, user)
    if found is None or not active(*found):
        raise BadCredential
    return _signed_in(session, found[0], _how(how, spend(session, user)), browser)


def _how(first: str, second: str | None) -> str:
    return first if second is None else f"{first} and {second}"


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
    found = repository.tenant(session, user.tenant_id)
    limited = found is not None and sessions.must_enrol(session, user, found, how)
    key = ApiKeyRow(
        id=uuid7(),
        tenant_id=user.tenant_id,
        user_id=user.id,
        name="cli",
        hash=crypto.digest(secret),
        scopes=sorted(ENROL) if limited else [],
        models=[],
        expires_at=clock.now() + ENROLLING if limited else None,
    )
    session.add(key)
    session.flush()
    Audit(session, user.tenant_id, user.id).record("sign_in", user.id, how=how)
    return SignedIn(of_key(session, user, key), user.login, key=secret)
