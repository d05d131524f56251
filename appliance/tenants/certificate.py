"""The certificate of a deletion: what was removed, by kind, signed by the appliance. Pure; verified anywhere, offline.

    certificate = {"body": {...}, "key": public key, "signature": Ed25519 over purpose, zero byte, canonical(body)}

A digest covers names, not content: ids of rows and vectors, SHA-256 of files. So a certificate tells nothing of what
the documents said, and who kept a list of ids can check it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from appliance.kit import crypto
from appliance.kit.canonical import canonical
from appliance.kit.errors import Refused

PURPOSE = "appliance deletion certificate v1"
SECRET = "certificate-key"  # noqa: S105 - the name of its file
LARGEST = 1 << 20


class CertificateInvalid(Refused):
    """This is no certificate that an appliance signed."""

    code = "certificate_invalid"
    advice = "Take the file as the appliance gave it, byte for byte."


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with the key that a kept secret stands for."""

    secret: str

    @property
    def key(self) -> str:
        """The public half, in hex."""
        return self._private.public_key().public_bytes_raw().hex()

    def sign(self, body: Mapping[str, Any]) -> str:
        """The certificate, as canonical JSON. ``body`` gets the appliance's id here."""
        whole = {**body, "appliance": appliance_of(self.key), "format": PURPOSE}
        signature = self._private.sign(_said(whole)).hex()
        return canonical({"body": whole, "key": self.key, "signature": signature}).decode()

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"{PURPOSE}\0{self.secret}".encode()).digest())


def verified(raw: bytes, key: str | None = None) -> dict[str, Any]:
    """What a certificate says. Raises :class:`CertificateInvalid`; also unless ``key`` (hex) has signed, if given."""
    if len(raw) > LARGEST:
        raise CertificateInvalid("the file is too large for a certificate")
    try:
        body, named, signature = _parts(raw)
        Ed25519PublicKey.from_public_bytes(_octets(named)).verify(_octets(signature), _said(body))
    except InvalidSignature as error:
        raise CertificateInvalid("the signature does not fit: the certificate was changed") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CertificateInvalid(f"the file cannot be read as a certificate: {error}") from error
    if body.get("format") != PURPOSE or body.get("appliance") != appliance_of(named):
        raise CertificateInvalid("the certificate names another appliance than the one that signed it")
    if key is not None and key.lower() != named:
        raise CertificateInvalid("another key has signed it than the one that was named")
    return dict(body)


def signer_of(raw: bytes) -> str:
    """The public key (hex) that a certificate names; believe it only of one that is verified."""
    return _parts(raw)[1]


def appliance_of(key: str) -> str:
    """The id of whoever signs with this key: it follows from the key, so it cannot be put on another's."""
    return crypto.digest(key).hex()[:32]


def _parts(raw: bytes) -> tuple[dict[str, Any], str, str]:
    found = json.loads(raw)
    if set(found) != {"body", "key", "signature"} or canonical(found) != raw.removesuffix(b"\n"):
        raise ValueError("it is not written as an appliance writes it")
    return found["body"], found["key"], found["signature"]


def _octets(told: str) -> bytes:
    """Bytes in hex: the one text that stands for them."""
    found = bytes.fromhex(told)
    if found.hex() != told:
        raise ValueError("a key or signature is not in lower hex")
    return found


def _said(body: Any) -> bytes:  # noqa: ANN401 - any JSON; what has no canonical form is refused by it
    return PURPOSE.encode() + b"\0" + canonical(body)
