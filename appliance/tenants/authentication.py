"""The one place that turns a credential into a Principal."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from appliance.access.principal import Principal, Role, TenantId, UserId
from appliance.audit.service import Audit
from appliance.kit import clock, crypto, log
from appliance.kit.database import Database
from appliance.kit.ids import uuid7
from appliance.kit.listening import Listener
from appliance.tenants import passwords, repository
from appliance.tenants.errors import BadCredential
from appliance.tenants.keys import KEY_PREFIX, alive
from appliance.tenants.tables import ApiKeyRow, TenantRow, UserRow

CACHE_SECONDS = 2.0
USED_EVERY = timedelta(minutes=1)
"""How exact a key's last use is: noting each request would be a write for each."""
_CACHE_SIZE = 4096
_LARGEST_KEY = 256
_logger = log.get(__name__)


class Authenticator:
    """Resolves API keys. An answer is remembered for two seconds at most, and forgotten as soon as a change is heard.

    While nothing would be heard, nothing is remembered: ``start`` listens, ``stop`` ends that.
    """

    def __init__(self, system: Database) -> None:
        self._system = system
        self._known: dict[bytes, tuple[float, Principal]] = {}
        self._lock = threading.Lock()
        self._changes = 0
        self._listener = Listener(system, "credentials", self.forget)

    def start(self) -> None:
        """Begin to listen for changes."""
        self._listener.start()

    def stop(self) -> None:
        """Listen no more."""
        self._listener.stop()

    def forget(self) -> None:
        """Believe nothing that was read before this moment."""
        with self._lock:
            self._changes += 1
            self._known.clear()

    def __call__(self, token: str) -> Principal:
        """The principal of a key. Raises :class:`BadCredential`."""
        if len(token) > _LARGEST_KEY:
            raise BadCredential
        key = crypto.digest(token)
        found = self._known.get(key)
        if found and found[0] > clock.monotonic():
            return found[1]
        begun, changes = clock.monotonic(), self._changes
        with self._system.session() as session:
            principal, expires = _by_key(session, key)
        life = CACHE_SECONDS
        if expires is not None:
            life = min(life, (expires - clock.now()).total_seconds())
        with self._lock:
            if self._listener.hears and changes == self._changes:  # else a change came while this was read
                if len(self._known) >= _CACHE_SIZE:
                    self._known.clear()
                self._known[key] = (begun + life, principal)
        return principal


def _by_key(session: Session, key: bytes) -> tuple[Principal, datetime | None]:
    row = repository.by_key(session, key)
    if row is None:
        raise BadCredential
    api_key, user, tenant = row
    now = clock.now()
    if not (alive(api_key.revoked_at, api_key.expires_at, now) and _active(user, tenant)):
        raise BadCredential
    repository.touch_key(session, api_key.id, now, USED_EVERY)
    return _principal(session, user, api_key), api_key.expires_at


def _active(user: UserRow, tenant: TenantRow) -> bool:
    return user.state == "active" and tenant.state == "active"


def _principal(session: Session, user: UserRow, key: ApiKeyRow) -> Principal:
    return Principal(
        tenant=TenantId(user.tenant_id),
        user=UserId(user.id),
        role=Role(user.role),
        name=user.name,
        key=key.id,
        groups=repository.groups_of(session, user.id),
        scopes=frozenset(key.scopes) or None,
        models=frozenset(key.models) or None,
    )


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A successful sign-in: the principal and the new key, shown once."""

    principal: Principal
    login: str
    key: str


def sign_in_by_password(session: Session, login: str, password: str) -> SignedIn:
    """Sign in with login and password; a system session. Raises :class:`BadCredential`, after the same time always."""
    found = repository.user_by_login(session, login)
    stored = found[0].password_hash if found else None
    if not passwords.matches(stored, password) or found is None or not _active(*found):
        raise BadCredential
    user, _ = found
    if stored and passwords.outdated(stored):
        user.password_hash = passwords.hashed(password)
    return _signed_in(session, user, "password")


def record_refused(session: Session, login: str | None, request_id: str) -> None:
    """Write a refused sign-in down: in the audit of the tenant whose login it is, else in the log alone.

    A system session; call it when the refusal was sent, or the time it takes tells which logins there are.
    """
    found = repository.user_by_login(session, login) if login else None
    _logger.warning("sign-in refused", known=found is not None)
    if found is not None:
        user, _ = found
        Audit(session, user.tenant_id, None, request_id).record("sign_in", user.id, outcome="refused", how="password")


def sign_in_by_token(session: Session, token: str, password: str | None = None) -> SignedIn:
    """Sign in with a one-time token and set a password if one is given; a system session."""
    found = repository.spend_sign_in(session, crypto.digest(token), clock.now())
    if found is None or not _active(*found):
        raise BadCredential
    user, _ = found
    if password:
        user.password_hash = passwords.hashed(password)
    return _signed_in(session, user, "one-time token")


def _signed_in(session: Session, user: UserRow, how: str) -> SignedIn:
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
    return SignedIn(_principal(session, user, key), user.login, secret)
