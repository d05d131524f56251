"""Secrets: 256 bits from the system's generator, stored hashed or in files of mode 0600, never defaulted."""

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.kit.errors import Broken, Conflict

SHORTEST = 32
"""Characters of 192 bits: what is shorter was not made here."""


class NoSecret(Broken):
    """A file that should hold a secret is empty, or holds something that can be guessed."""

    code = "no_secret"
    advice = "Remove the file named in the message; a new secret is made at the next start."


def token(prefix: str = "") -> str:
    """A new secret of 256 bits, URL-safe."""
    return f"{prefix}{secrets.token_urlsafe(32)}"


def digest(value: str) -> bytes:
    """What is stored of a random token (SHA-256 is enough for 256 random bits; passwords take argon2id)."""
    return hashlib.sha256(value.encode()).digest()


def keyed(key: bytes, purpose: str, value: bytes) -> str:
    """A hex HMAC-SHA-256 bound to a purpose, so that one key's uses cannot stand for each other."""
    return hmac.new(key, purpose.encode() + b"\0" + value, hashlib.sha256).hexdigest()


class Unsealable(Conflict):
    """What was sealed cannot be opened: it was changed, or sealed with another secret or for another purpose."""

    code = "unsealable"
    advice = "Enter the secret again; after a restore, bring the file of the secret back too."


class Seal:
    """Encrypts what must be read again (AES-256-GCM, a random nonce each time), bound to a purpose and a context.

    ``secret`` is a file's of :func:`kept`. The key is of this purpose alone, and ``context`` (whose it is) is
    authenticated: a sealed value moved to another row does not open there.
    """

    def __init__(self, secret: str, purpose: str) -> None:
        self._cipher = AESGCM(hmac.new(secret.encode(), b"seal\0" + purpose.encode(), hashlib.sha256).digest())

    def close(self, value: bytes, context: str) -> bytes:
        """Seal: nonce, ciphertext and tag in one."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, value, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """What was sealed. Raises :class:`Unsealable`."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], context.encode())
        except (InvalidTag, ValueError) as error:
            raise Unsealable from error


_NONCE = 12


def write_private(path: Path, value: str) -> None:
    """Write a file that only this user can read, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def kept(path: Path) -> str:
    """The secret in this file, made at the first call. Raises :class:`NoSecret` where something else stands in it."""
    if not path.exists():
        own = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        write_private(own, token())
        with suppress(FileExistsError):  # another process was quicker: its secret is the secret
            path.hardlink_to(own)
        own.unlink()
    found = path.read_text().strip()
    if len(found) < SHORTEST:
        raise NoSecret(f"{path.name} holds no secret")
    return found
