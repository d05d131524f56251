"""Ed25519 signatures that mean one thing: each is over the purpose, a zero byte and the canonical payload.

So a signature under a revocation list never fits a licence of the same members. The vendor's keys form a chain: the
root's public half is pinned here (``root.pem``), and a file brings the links, each a key signed by one before it.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from appliance.kit.canonical import Canonical, canonical
from appliance.licensing.errors import Malformed, Tampered, WrongKey
from appliance.licensing.strict import Members, document, items, members, octets, text

PINNED = Path(__file__).with_name("root.pem")
SIGNATURE = 64
PUBLIC = 32
MOST_LINKS = 8
MOST_SIGNATURES = 4
_ENVELOPE = frozenset({"format", "keys", "payload", "signatures"})
_SIGNATURE = frozenset({"key", "signature"})
_LINK = frozenset({"payload", "signatures"})
_KEY = frozenset({"key", "public"})


class Purpose(StrEnum):
    """What a signature is for."""

    LICENCE = "appliance-licence-v1"
    REVOCATIONS = "appliance-revocations-v1"
    KEY = "appliance-vendor-key-v1"


class Keys:
    """The vendor's keys by id: the root and what links lead to."""

    def __init__(self, root: Ed25519PublicKey, revoked: Iterable[str] = ()) -> None:
        self.root = key_id(root)
        self._revoked = frozenset(revoked) - {self.root}
        self._known: Mapping[str, Ed25519PublicKey] = MappingProxyType({self.root: root})

    def one(self, name: str) -> Ed25519PublicKey:
        """The key of this id. Raises :class:`WrongKey`."""
        if name in self._revoked:
            raise WrongKey(f"the vendor has revoked the key {name}")
        if name not in self._known:
            raise WrongKey(f"no chain leads from the vendor's root to the key {name}")
        return self._known[name]

    def led(self, links: list[object]) -> "Keys":
        """These keys and those of the links, in their order. Raises for a link that does not hold."""
        found = Keys(self._known[self.root], self._revoked)
        known = dict(self._known)
        for link in links:
            found._known = MappingProxyType(known)
            parts = members(link, "a link of keys", _LINK)
            verify(Purpose.KEY, parts["payload"], parts["signatures"], found)
            told = members(parts["payload"], "a link's payload", _KEY)
            public = Ed25519PublicKey.from_public_bytes(octets(told["public"], "a link's public key", PUBLIC))
            if told["key"] != key_id(public):
                raise Malformed("a link names another key than it holds")
            known[key_id(public)] = public
        found._known = MappingProxyType(known)
        return found


def key_id(key: Ed25519PublicKey) -> str:
    """The first 16 hex digits of the SHA-256 of a public key's 32 bytes."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def opened(purpose: Purpose, raw: bytes, keys: Keys) -> Members:
    """The payload of a signed file whose every link and signature holds; its ``key`` is among those that signed."""
    envelope = members(document(raw), "the file", _ENVELOPE)
    if envelope["format"] != purpose:
        raise Malformed(f"this is no file of the form {purpose}")
    known = keys.led(items(envelope["keys"], "keys", MOST_LINKS))
    signers = verify(purpose, envelope["payload"], envelope["signatures"], known)
    payload = envelope["payload"]
    if not isinstance(payload, dict) or payload.get("key") not in signers:
        raise WrongKey("the key that the payload names has not signed it")
    return payload


def verify(purpose: Purpose, payload: Canonical, signatures: object, keys: Keys) -> frozenset[str]:
    """The ids of the keys that signed: one at least, and every signature holds."""
    listed = items(signatures, "signatures", MOST_SIGNATURES)
    if not listed:
        raise Tampered("the file bears no signature")
    signed = message(purpose, payload)
    for one in listed:
        parts = members(one, "a signature", _SIGNATURE)
        key = keys.one(text(parts["key"], "a signature's key"))
        try:
            key.verify(octets(parts["signature"], "a signature", SIGNATURE), signed)
        except InvalidSignature as error:
            raise Tampered("the signature does not fit: the file was changed, or it is another's signature") from error
    return frozenset(one["key"] for one in listed)


def message(purpose: Purpose, payload: Canonical) -> bytes:
    """The bytes that are signed."""
    return purpose.encode() + b"\0" + canonical(payload)


def signed(purpose: Purpose, payload: Mapping[str, Canonical], key: Ed25519PrivateKey, links: Canonical = ()) -> bytes:
    """The vendor's side of :func:`opened`: the file. ``payload`` gets its ``key`` here."""
    body = {**payload, "key": key_id(key.public_key())}
    envelope = {"format": purpose.value, "keys": links, "payload": body, "signatures": [_signature(purpose, body, key)]}
    return canonical(envelope) + b"\n"


def link(new: Ed25519PublicKey, by: Ed25519PrivateKey) -> dict[str, Canonical]:
    """A later key, signed by an earlier one."""
    public = base64.b64encode(new.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
    payload: dict[str, Canonical] = {"key": key_id(new), "public": public}
    return {"payload": payload, "signatures": [_signature(Purpose.KEY, payload, by)]}


def root_keys(path: Path | None = None, revoked: Iterable[str] = ()) -> Keys:
    """The chain's beginning: the vendor's own root, or the one that the settings name. Raises :class:`Malformed`."""
    try:
        root = load_pem_public_key((path or PINNED).read_bytes())
    except (OSError, ValueError) as error:
        raise Malformed(f"the root key cannot be read: {error}") from error
    if not isinstance(root, Ed25519PublicKey):
        raise Malformed("the root key is no Ed25519 public key")
    return Keys(root, revoked)


def private_key(path: Path) -> Ed25519PrivateKey:
    """The vendor's signing key, an unencrypted PEM. Raises :class:`Malformed`."""
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise Malformed(f"the signing key {path.name} cannot be read as an unencrypted PEM") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Malformed("the signing key is no Ed25519 private key")
    return key


def _signature(purpose: Purpose, payload: Canonical, key: Ed25519PrivateKey) -> dict[str, Canonical]:
    signature = base64.b64encode(key.sign(message(purpose, payload))).decode()
    return {"key": key_id(key.public_key()), "signature": signature}
