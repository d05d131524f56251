"""A sign-in at a tenant's OIDC provider, from the first redirect to the user who came back.

What is under way is kept by the browser alone, in a sealed cookie of ten minutes: so only the browser that began can
end it, and nothing is stored for those who never come back.
"""

import hmac
import json
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from uuid import UUID

from appliance.access.principal import TenantId
from appliance.access.web import Databases
from appliance.audit.service import Audit
from appliance.drivers.fetcher import Fetch, Fetcher
from appliance.kit import clock, log
from appliance.kit.crypto import Seal, Unsealable
from appliance.kit.errors import ApplianceError
from appliance.tenants import repository as people_rows
from appliance.tenants.directory import repository
from appliance.tenants.directory.arriving import KIND, Arrivals
from appliance.tenants.directory.configuring import Opened, opened
from appliance.tenants.directory.errors import DirectoryNotSetUp, TokenRefused
from appliance.tenants.directory.oidc import Client, Flow, Provider
from appliance.tenants.directory.provisioning import Provisioning
from appliance.tenants.directory.settings import OidcSettings, stored
from appliance.tenants.room import Room

LASTS = 600
"""Seconds from the first redirect to the return."""
_logger = log.get(__name__)
_CONTEXT = "oidc flow"
_MOST_PROVIDERS = 256
Reach = Callable[[OidcSettings], Fetch]


def reach(settings: OidcSettings) -> Fetch:
    """The fetcher that reaches this provider's hosts."""
    return Fetcher(settings.reachable, settings.ca)


@dataclass(frozen=True, slots=True)
class Returned:
    """What the browser brought back from the provider."""

    state: str
    code: str | None
    error: str | None
    issuer: str | None


class OidcSignIns:
    """Sign-ins of every tenant. One for the process: it remembers providers' keys."""

    def __init__(self, databases: Databases, seal: Seal, room: Room, reach: Reach = reach) -> None:
        self._databases = databases
        self._room = room
        self._reach = reach
        self.seal = seal
        self._lock = threading.Lock()
        self._providers: dict[tuple[UUID, int], Provider] = {}

    def begin(self, tenant: UUID) -> tuple[str, str]:
        """The provider's address to go to, and the sealed flow for the cookie. Raises :class:`DirectoryNotSetUp`."""
        try:
            found, settings = self._opened(tenant)
        except Unsealable as error:  # anybody may ask: that it is set up, and badly, is the administrator's to know
            _logger.warning("a directory's secret cannot be opened", tenant=str(tenant), advice=error.advice)
            raise DirectoryNotSetUp from error
        flow = Flow.begin()
        address = self.provider(found, settings).address(flow)
        kept = {"tenant": str(tenant), "until": int(clock.now().timestamp()) + LASTS, **asdict(flow)}
        return address, self.seal.close(json.dumps(kept).encode(), _CONTEXT).hex()

    def finish(self, kept: str, returned: Returned) -> UUID:
        """The user who signed in. Raises :class:`TokenRefused` and as :meth:`Arrivals.arrive`; refusals are audited."""
        tenant, flow = self._flow(kept, returned.state)
        try:
            return self._arrived(tenant, flow, returned)
        except ApplianceError as error:
            with self._databases.app.session(tenant) as session:
                Audit(session, tenant, None).record("sign_in", None, "refused", how=KIND, code=error.code)
            raise

    def provider(self, found: Opened, settings: OidcSettings) -> Provider:
        """The provider of these very settings."""
        key = (found.tenant, found.version)
        with self._lock:
            if key not in self._providers:
                if len(self._providers) >= _MOST_PROVIDERS:
                    self._providers.clear()
                self._providers[key] = self.fresh(found, settings)
            return self._providers[key]

    def fresh(self, found: Opened, settings: OidcSettings) -> Provider:
        """The provider as if nothing were known of it."""
        scopes = ("openid", *settings.scopes)
        client = Client(settings.issuer, settings.client_id, found.secret, settings.redirect_uri, scopes)
        return Provider(client, self._reach(settings))

    def _arrived(self, tenant: UUID, flow: Flow, returned: Returned) -> UUID:
        found, settings = self._opened(tenant)
        if returned.issuer is not None and returned.issuer != settings.issuer:
            raise TokenRefused("another provider answered")  # RFC 9207
        if returned.error is not None or not returned.code:
            raise TokenRefused("the provider did not let you in")
        claims = self.provider(found, settings).claims(returned.code, flow)
        with self._databases.app.session(tenant) as session:
            mine = TenantId(tenant)
            audit = Audit(session, tenant, None)
            arrivals = Arrivals(session, mine, settings, Provisioning(session, mine, audit, KIND, self._room))
            return arrivals.arrive(claims)

    def _flow(self, kept: str, state: str) -> tuple[UUID, Flow]:
        try:
            told = json.loads(self.seal.open(bytes.fromhex(kept), _CONTEXT))
        except (ValueError, Unsealable) as error:
            raise TokenRefused("this browser has not begun to sign in") from error
        if told["until"] < clock.now().timestamp() or not hmac.compare_digest(told["state"].encode(), state.encode()):
            raise TokenRefused("this sign-in was begun elsewhere, or too long ago")
        return UUID(told["tenant"]), Flow(told["state"], told["nonce"], told["verifier"])

    def _opened(self, tenant: UUID) -> tuple[Opened, OidcSettings]:
        """The settings as they are now. Read outside of any fetch: no session waits for a network."""
        with self._databases.system.session() as session:
            owner = people_rows.tenant(session, tenant)
            row = repository.directory(session, tenant, KIND)
            if row is None or owner is None or owner.state != "active":
                raise DirectoryNotSetUp
            found = opened(row, self.seal)
        return found, stored(OidcSettings, found.settings)
