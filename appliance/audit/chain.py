"""The chain over audit entries, as pure values: what a link's hash covers, and what a signed head says.

    digest = SHA-256(canonical(entry))                                   every column of the entry
    hash   = SHA-256(canonical({seq, previous, entry: digest, at}))      previous: hash of link seq - 1, GENESIS for 1
    head   = Ed25519(canonical({purpose, seq, hash, time, appliance}))

Who cannot sign can at most rewrite the chain behind the last head that left the machine.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from appliance.kit import crypto
from appliance.kit.canonical import canonical, digest_of

GENESIS = "0" * 64
PURPOSE = "appliance audit head"


@dataclass(frozen=True, slots=True)
class Link:
    """One place in the chain. ``entry`` is the entry's id, ``digest`` its digest, ``at`` when it was sequenced."""

    seq: int
    entry: str
    digest: str
    previous: str
    hash: str
    at: str

    def hash_at(self, seq: int) -> str:
        """What its hash would be in this place; its own place's is :attr:`hash`, unless somebody edited it."""
        return link_hash(seq, self.previous, self.digest, self.at)


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain stood. ``key`` is the public key in hex, ``signature`` too."""

    seq: int
    hash: str
    time: str
    appliance: str
    key: str
    signature: str

    @classmethod
    def of(cls, document: Mapping[str, object]) -> Self:
        """The head in a document. Raises KeyError, TypeError or ValueError where it is none."""
        if not isinstance(document["seq"], int):
            raise TypeError("seq is no number")
        names = ("hash", "time", "appliance", "key", "signature")
        return cls(document["seq"], *(str(document[name]) for name in names))

    def signed(self) -> bool:
        """Whether the signature is that of the key it names, over all of it."""
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.key))
            key.verify(bytes.fromhex(self.signature), _said(self.seq, self.hash, self.time, self.appliance))
        except (ValueError, InvalidSignature):
            return False
        return self.appliance == appliance_of(self.key)

    def document(self) -> dict[str, object]:
        """As exported."""
        return asdict(self)


class Signer:
    """Signs heads with the key that a kept secret stands for."""

    def __init__(self, secret: str) -> None:
        seed = hashlib.sha256(f"{PURPOSE}\0{secret}".encode()).digest()
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.key = self._key.public_key().public_bytes_raw().hex()

    def head(self, seq: int, hashed: str, time: str) -> Head:
        """The signed head of a chain that ends so."""
        appliance = appliance_of(self.key)
        return Head(seq, hashed, time, appliance, self.key, self._key.sign(_said(seq, hashed, time, appliance)).hex())


def appliance_of(key: str) -> str:
    """The id of the appliance that signs with this key: it follows from the key, so it cannot be put on another's."""
    return crypto.digest(key).hex()[:32]


def link_hash(seq: int, previous: str, digest: str, at: str) -> str:
    """The hash of a link."""
    return digest_of({"seq": seq, "previous": previous, "entry": digest, "at": at})


def follow(last: Link | None, entry: str, digest: str, at: str) -> Link:
    """The link after ``last``."""
    seq, previous = (last.seq + 1, last.hash) if last else (1, GENESIS)
    return Link(seq, entry, digest, previous, link_hash(seq, previous, digest, at), at)


def _said(seq: int, hashed: str, time: str, appliance: str) -> bytes:
    return canonical({"purpose": PURPOSE, "seq": seq, "hash": hashed, "time": time, "appliance": appliance})
