"""What an ID token must be, and how often a provider is asked."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from appliance.drivers.fetcher import Pages
from appliance.kit import clock
from appliance.tenants.directory.errors import NoProvider, TokenRefused
from appliance.tenants.directory.oidc import Client, Flow, Provider, challenge

ISSUER = "https://login.example.com"
CLIENT = Client(ISSUER, "appliance", "the client's secret", "https://here.example/api/v1/oidc/callback")
KEY = RSAKey.generate_key(2048, {"kid": "one"})
NEXT = ECKey.generate_key("P-256", {"kid": "two"})
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
}
FLOW = Flow.begin()


def claims(**more: object) -> dict[str, Any]:
    now = int(clock.now().timestamp())
    usual = {"iss": ISSUER, "aud": "appliance", "sub": "7", "exp": now + 300, "iat": now, "nonce": FLOW.nonce}
    return {name: value for name, value in {**usual, **more}.items() if value is not None}


def signed(
    told: dict[str, Any], key: RSAKey | ECKey | OctKey = KEY, alg: str = "RS256", kid: str | None = "one"
) -> str:
    header = {"alg": alg, **({"kid": kid} if kid else {})}
    return jwt.encode(header, told, key, algorithms=[alg])


def pages(*keys: RSAKey | ECKey, **metadata: object) -> Pages:
    return Pages(
        {
            f"{ISSUER}/.well-known/openid-configuration": {**METADATA, **metadata},
            f"{ISSUER}/keys": KeySet(list(keys)).as_dict(private=False),
        }
    )


@pytest.fixture
def provider() -> Provider:
    return Provider(CLIENT, pages(KEY))


def test_the_challenge_is_that_of_the_rfc() -> None:
    assert challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_good_token_is_believed(provider: Provider) -> None:
    assert provider.verified(signed(claims(groups=["a"])), FLOW.nonce)["groups"] == ["a"]
    assert provider.verified(signed(claims(aud=["appliance", "x"], azp="appliance")), FLOW.nonce)["sub"] == "7"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iss", "https://evil.example"),
        ("iss", None),
        ("aud", "another"),
        ("aud", None),
        ("azp", "another"),
        ("exp", 1),
        ("exp", None),
        ("exp", "soon"),
        ("exp", True),
        ("iat", 1),
        ("iat", 10**12),
        ("iat", None),
        ("nbf", 10**12),
        ("nonce", "another"),
        ("nonce", None),
        ("sub", ""),
        ("sub", None),
        ("sub", 7),
        ("sub", "x" * 256),
    ],
)
def test_one_wrong_claim_is_enough_to_refuse(provider: Provider, name: str, value: object) -> None:
    with pytest.raises(TokenRefused, match=name):
        provider.verified(signed(claims(**{name: value})), FLOW.nonce)


def test_of_two_audiences_it_must_say_for_whom_it_is(provider: Provider) -> None:
    with pytest.raises(TokenRefused, match="azp"):
        provider.verified(signed(claims(aud=["appliance", "another"])), FLOW.nonce)


def _none() -> str:
    return ".".join([*signed(claims()).split(".")[:2], ""])


def _alg_none() -> str:
    return "eyJhbGciOiJub25lIn0." + signed(claims()).split(".")[1] + "."


def _public_key_as_secret() -> str:
    body = signed(claims(), OctKey.import_key("x" * 64), "HS256").rpartition(".")[0]
    mac = hmac.new(KEY.as_pem(private=False), body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


FORGED: dict[str, Callable[[], str]] = {
    "another's key": lambda: signed(claims(), RSAKey.generate_key(2048)),
    "another's key without a name": lambda: signed(claims(), RSAKey.generate_key(2048), kid=None),
    "no signature": _none,
    "alg none": _alg_none,
    "the public key as a secret": _public_key_as_secret,
    "the client's secret": lambda: signed(claims(), OctKey.import_key("the client's secret" * 4), "HS256"),
    "a changed claim": lambda: signed(claims(), kid="one").replace(".", ".e", 1),
    "no token": lambda: "x",
    "five parts": lambda: "a.b.c.d.e",
    "empty": str,
}


@pytest.mark.parametrize("how", FORGED)
def test_what_the_provider_did_not_sign_is_refused(provider: Provider, how: str) -> None:
    with pytest.raises(TokenRefused):
        provider.verified(FORGED[how](), FLOW.nonce)


def test_a_new_key_is_fetched_and_a_stranger_s_tokens_make_us_ask_once_a_minute() -> None:
    now = [0.0]
    documents = pages(KEY)
    provider = Provider(CLIENT, documents, lambda: now[0])
    provider.verified(signed(claims()), FLOW.nonce)
    documents.documents[f"{ISSUER}/keys"] = KeySet([NEXT]).as_dict(private=False)
    rotated = signed(claims(), NEXT, "ES256", "two")
    with pytest.raises(TokenRefused):
        provider.verified(rotated, FLOW.nonce)
    now[0] = 61
    assert provider.verified(rotated, FLOW.nonce)["sub"] == "7"
    with pytest.raises(TokenRefused):
        provider.verified(signed(claims()), FLOW.nonce)
    for _ in range(20):
        with pytest.raises(TokenRefused):
            provider.verified(signed(claims(), RSAKey.generate_key(2048), kid="nobody's"), FLOW.nonce)
    assert [url for url, _ in documents.asked].count(f"{ISSUER}/keys") == 2
    now[0] = 4000
    provider.metadata()
    assert [url for url, _ in documents.asked].count(f"{ISSUER}/.well-known/openid-configuration") == 2


@pytest.mark.parametrize(
    "metadata",
    [{"issuer": "https://evil.example"}, {"issuer": f"{ISSUER}/"}, {"token_endpoint": None}, {"jwks_uri": 7}],
    ids=str,
)
def test_a_provider_that_is_not_the_configured_one_is_refused(metadata: dict[str, object]) -> None:
    with pytest.raises(NoProvider):
        Provider(CLIENT, pages(KEY, **metadata)).metadata()


@pytest.mark.parametrize("keys", [[], {"keys": [{"kty": "RSA"}]}, {"keys": "x"}, {}, "x", None], ids=str)
def test_keys_that_are_none_are_told(keys: object) -> None:
    documents = pages(KEY)
    documents.documents[f"{ISSUER}/keys"] = keys
    with pytest.raises((NoProvider, TokenRefused)):
        Provider(CLIENT, documents).verified(signed(claims()), FLOW.nonce)


@pytest.mark.parametrize("secret", ["s", None])
@pytest.mark.parametrize("methods", [["client_secret_basic"], ["client_secret_post"]])
def test_the_code_is_exchanged_with_the_verifier_of_the_challenge(secret: str | None, methods: list[str]) -> None:
    documents = pages(KEY, token_endpoint_auth_methods_supported=methods)
    documents.documents[f"{ISSUER}/token"] = lambda _form: {"id_token": signed(claims())}
    provider = Provider(Client(ISSUER, "appliance", secret, CLIENT.redirect_uri), documents)
    asked = {name: value[0] for name, value in parse_qs(urlsplit(provider.address(FLOW)).query).items()}
    assert asked["code_challenge"] == challenge(FLOW.verifier)
    assert (asked["code_challenge_method"], asked["state"], asked["nonce"]) == ("S256", FLOW.state, FLOW.nonce)
    assert FLOW.verifier not in provider.address(FLOW)
    assert provider.claims("the code", FLOW)["sub"] == "7"
    form = documents.asked[-2][1] or documents.asked[-1][1]
    assert form is not None
    assert (form["code"], form["code_verifier"], form["redirect_uri"]) == (
        "the code",
        FLOW.verifier,
        CLIENT.redirect_uri,
    )
    given = (form.get("basic"), form.get("client_secret"))
    if secret is None:
        assert given == (None, None)
    else:
        assert given == (("appliance:s", None) if "client_secret_basic" in methods else (None, "s"))


@pytest.mark.parametrize("answer", [{}, [], None, {"id_token": 7}, {"error": "invalid_grant"}], ids=str)
def test_an_answer_without_a_token_is_refused(answer: object) -> None:
    documents = pages(KEY)
    documents.documents[f"{ISSUER}/token"] = lambda _form: answer
    with pytest.raises(TokenRefused):
        Provider(CLIENT, documents).claims("the code", FLOW)
