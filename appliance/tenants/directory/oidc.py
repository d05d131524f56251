"""OpenID Connect, the parts that a sign-in needs (Core §3.1, Discovery, PKCE): decided here, fetched by the driver.

The provider's description and keys are remembered for an hour; a token signed by a key that is not among them has them
fetched again, once a minute at most, so that neither a rotation locks people out nor a stranger's tokens make us ask.
"""

import base64
import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, ValidationError

from appliance.drivers.fetcher import Fetch, NotFetched
from appliance.kit import clock, crypto
from appliance.tenants.directory.errors import NoProvider, TokenRefused

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Public keys only: with HS256 the client's secret, or a public key taken for one, would sign."""
REMEMBERED: Final = 3600.0
AGAIN: Final = 60.0
LEEWAY: Final = 60
OLDEST: Final = 600
"""Seconds since the token was issued: a sign-in takes no longer."""
_WELL_KNOWN: Final = "/.well-known/openid-configuration"


class Metadata(BaseModel):
    """What a provider says of itself, as far as it is used."""

    model_config = ConfigDict(frozen=True)

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are at a provider. ``secret`` None: a public client, by PKCE alone."""

    issuer: str
    client_id: str
    secret: str | None
    redirect_uri: str
    scopes: tuple[str, ...] = ("openid", "profile", "email")


@dataclass(frozen=True, slots=True)
class Flow:
    """A sign-in under way: what only this browser may bring back."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def begin(cls) -> "Flow":
        """256 random bits for each of the three."""
        return cls(crypto.token(), crypto.token(), crypto.token())


def challenge(verifier: str) -> str:
    """PKCE's S256 (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class Provider:
    """One provider, as it is reached through ``fetch``. Safe from several threads."""

    def __init__(self, client: Client, fetch: Fetch, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self._client = client
        self._fetch = fetch
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def metadata(self) -> Metadata:
        """The provider's description. Raises :class:`NoProvider` where it is not the issuer's that is configured."""
        with self._lock:
            if self._metadata is None or self._monotonic() - self._metadata[0] > REMEMBERED:
                self._metadata = (self._monotonic(), self._discovered())
            return self._metadata[1]

    def address(self, flow: Flow) -> str:
        """Where the browser goes to sign in."""
        asked = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "redirect_uri": self._client.redirect_uri,
            "scope": " ".join(self._client.scopes),
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": challenge(flow.verifier),
            "code_challenge_method": "S256",
        }
        at = self.metadata().authorization_endpoint
        return f"{at}{'&' if '?' in at else '?'}{urlencode(asked)}"

    def claims(self, code: str, flow: Flow) -> Mapping[str, Any]:
        """What the provider says of who signed in, for the code that the browser brought. Raises TokenRefused."""
        metadata = self.metadata()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._client.redirect_uri,
            "code_verifier": flow.verifier,
        }
        basic = None
        if self._client.secret is None:
            form["client_id"] = self._client.client_id
        elif "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            basic = (self._client.client_id, self._client.secret)
        else:
            form |= {"client_id": self._client.client_id, "client_secret": self._client.secret}
        try:
            answer = self._fetch.post(metadata.token_endpoint, form, basic)
        except NotFetched as error:
            if error.extra.get("answered") == HTTPStatus.BAD_REQUEST:  # RFC 6749 §5.2: the code is good no more
                raise TokenRefused("the provider does not take the code") from error
            raise
        token = answer.get("id_token") if isinstance(answer, dict) else None
        if not isinstance(token, str):
            raise TokenRefused("the provider gave no ID token")
        return self.verified(token, flow.nonce)

    def verified(self, token: str, nonce: str) -> Mapping[str, Any]:
        """The claims of an ID token that this provider signed for us, for this sign-in, just now."""
        try:
            claims = self._decoded(token).claims
        except (
            JoseError,
            ValueError,
            TypeError,
        ) as error:  # joserfc's own, and what a malformed key makes of cryptography
            raise TokenRefused("the ID token is not signed by this provider") from error
        if fault := _fault(claims, self._client, nonce, clock.now().timestamp()):
            raise TokenRefused(f"the ID token was refused: {fault}")
        return claims

    def _decoded(self, token: str) -> jwt.Token:
        try:
            return jwt.decode(token, self.keys(), algorithms=ALGORITHMS)
        except (
            InvalidKeyIdError,
            BadSignatureError,
            ValueError,
        ):  # keys need no names, so a new one may look like this
            return jwt.decode(token, self.keys(after=AGAIN), algorithms=ALGORITHMS)

    def keys(self, after: float = REMEMBERED) -> KeySet:
        """The provider's keys, not older than ``after`` seconds. Raises :class:`NoProvider`."""
        uri = self.metadata().jwks_uri
        with self._lock:
            if self._keys is None or self._monotonic() - self._keys[0] > after:
                self._keys = (self._monotonic(), self._fetched_keys(uri))
            return self._keys[1]

    def _fetched_keys(self, uri: str) -> KeySet:
        try:
            return KeySet.import_key_set(self._fetch.get(uri))
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise NoProvider("the provider's keys cannot be read") from error

    def _discovered(self) -> Metadata:
        try:
            found = Metadata.model_validate(self._fetch.get(self._client.issuer.rstrip("/") + _WELL_KNOWN))
        except ValidationError as error:
            raise NoProvider("the provider's description lacks what a sign-in needs") from error
        if found.issuer != self._client.issuer:
            raise NoProvider(f"the provider calls itself {found.issuer!r}, configured is {self._client.issuer!r}")
        return found


def _fault(claims: Mapping[str, Any], client: Client, nonce: str, now: float) -> str:
    """What is wrong with a token that is signed well (Core §3.1.3.7); empty: nothing."""
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    checks = {
        "iss": claims.get("iss") == client.issuer,
        "aud": client.client_id in audiences,
        "azp": claims.get("azp", client.client_id) == client.client_id and (len(audiences) == 1 or "azp" in claims),
        "exp": _number(claims.get("exp")) > now - LEEWAY,
        "iat": now - OLDEST < _number(claims.get("iat")) < now + LEEWAY,
        "nbf": "nbf" not in claims or _number(claims.get("nbf")) < now + LEEWAY,
        "nonce": claims.get("nonce") == nonce,
        "sub": isinstance(claims.get("sub"), str) and 0 < len(claims["sub"]) <= 255,  # noqa: PLR2004 - Core §2
    }
    return ", ".join(name for name, good in checks.items() if not good)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")
