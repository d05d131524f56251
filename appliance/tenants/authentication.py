"""The one place that turns a credential into a Principal."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from queue import SimpleQueue
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from appliance.access.cookies import SESSION_PREFIX
from appliance.access.permissions import ENROL
from appliance.access.principal import Principal, Role, TenantId, UserId
from appliance.kit import clock, crypto
from appliance.kit.database import Database
from appliance.kit.listening import Listener
from appliance.tenants import repository, sessions
from appliance.tenants.errors import BadCredential
from appliance.tenants.keys import alive
from appliance.tenants.sessions import active
from appliance.tenants.tables import ApiKeyRow, UserRow

CACHE_SECONDS = 2.0
AHEAD_SECONDS = 0.5
"""So long before its end an answer that is asked for still is looked up anew: else all callers of that moment would."""
USED_EVERY = timedelta(minutes=1)
"""How exact a key's last use is: noting each request would be a write for each."""
_CACHE_SIZE = 4096
_LARGEST_KEY = 256


def _nobody() -> None:
    """Nobody wants to know."""


class Authenticator:
    """Resolves API keys and sessions. An answer is kept two seconds at most, and dropped when a change is heard.

    While nothing would be heard, nothing is remembered: ``start`` listens, ``stop`` ends that.
    """

    def __init__(self, system: Database) -> None:
        self._system = system
        self.rang: Callable[[], None] = _nobody
        """Called after each forgetting, from the thread that heard."""
        self._known: dict[bytes, tuple[float, Principal]] = {}
        self._lock = threading.Lock()
        self._changes = 0
        self._listener = Listener(system, "credentials", self.forget)
        self._ending: SimpleQueue[str | None] = SimpleQueue()
        self._renewing: set[bytes] = set()
        self._renewer: threading.Thread | None = None

    def start(self) -> None:
        """Begin to listen for changes, and to look up anew what is asked for again and again."""
        self._listener.start()
        self._renewer = threading.Thread(target=self._renew, name="credentials-ahead", daemon=True)
        self._renewer.start()

    def stop(self) -> None:
        """Listen no more."""
        if self._renewer is not None:
            self._ending.put(None)
            self._renewer.join()
            self._renewer = None
        self._listener.stop()

    @property
    def hears(self) -> bool:
        """Whether a change would be heard now, so that answers are remembered."""
        return self._listener.hears

    def forget(self) -> None:
        """Believe nothing that was read before this moment."""
        with self._lock:
            self._changes += 1
            self._known.clear()
        self.rang()

    def recall(self, token: str) -> Principal | None:
        """The principal of a key that is remembered, else None; asks nobody."""
        if len(token) > _LARGEST_KEY:
            return None
        key = crypto.digest(token)
        found = self._known.get(key)
        if found is None:
            return None
        left = found[0] - clock.monotonic()
        if 0 < left < AHEAD_SECONDS and self._renewer is not None and key not in self._renewing:
            self._renewing.add(key)
            self._ending.put(token)
        return found[1] if left > 0 else None

    def __call__(self, token: str) -> Principal:
        """The principal of a key or of a session's secret. Raises :class:`BadCredential`."""
        if len(token) > _LARGEST_KEY:
            raise BadCredential
        return self.recall(token) or self._look_up(token)

    def _look_up(self, token: str) -> Principal:
        key = crypto.digest(token)
        begun, changes = clock.monotonic(), self._changes
        with self._system.session() as session:
            principal = (_by_session if token.startswith(SESSION_PREFIX) else _by_key)(session, key)
        life = CACHE_SECONDS
        if principal.ends is not None:
            life = min(life, (principal.ends - clock.now()).total_seconds())
        with self._lock:
            if self._listener.hears and changes == self._changes:  # else a change came while this was read
                if len(self._known) >= _CACHE_SIZE:
                    self._known.clear()
                self._known[key] = (begun + life, principal)
        return principal

    def _renew(self) -> None:
        """Look up what is about to end. What cannot be looked up ends, and who asks then is told why."""
        while (token := self._ending.get()) is not None:
            with suppress(BadCredential, SQLAlchemyError):
                self._look_up(token)
            self._renewing.discard(crypto.digest(token))


def _by_key(session: Session, key: bytes) -> Principal:
    row = repository.by_key(session, key)
    if row is None:
        raise BadCredential
    api_key, user, tenant = row
    now = clock.now()
    if not (alive(api_key.revoked_at, api_key.expires_at, now) and active(user, tenant)):
        raise BadCredential
    repository.touch_key(session, api_key.id, now, USED_EVERY)
    return of_key(session, user, api_key)


def _by_session(session: Session, secret: bytes) -> Principal:
    row = repository.by_session(session, secret)
    if row is None:
        raise BadCredential
    found, user, tenant = row
    now = clock.now()
    ends = sessions.ends(found)
    if not (alive(found.revoked_at, ends, now) and active(user, tenant)):
        raise BadCredential
    repository.touch_session(session, found.id, now, USED_EVERY)
    scopes = ENROL if sessions.must_enrol(session, user, tenant, found.how) else None
    return replace(principal_of(session, user, found.id), ends=ends, scopes=scopes)


def of_key(session: Session, user: UserRow, key: ApiKeyRow) -> Principal:
    """The user as this key lets it act."""
    plain = principal_of(session, user)
    scopes, models = frozenset(key.scopes) or None, frozenset(key.models) or None
    return replace(plain, key=key.id, scopes=scopes, models=models, ends=key.expires_at)


def principal_of(session: Session, user: UserRow, by: UUID | None = None) -> Principal:
    """The user with all that its role may, by the session of this id."""
    return Principal(
        tenant=TenantId(user.tenant_id),
        user=UserId(user.id),
        role=Role(user.role),
        name=user.name,
        session=by,
        groups=repository.groups_of(session, user.id),
    )
