"""Passwords: argon2id with the library's parameters (RFC 9106's second choice), rehashed when those change."""

import os
import threading
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from appliance.kit.errors import Unavailable

AT_ONCE = 2
"""Sign-ins that are looked at together: each takes 64 MiB and a core, and anybody may ask for one."""
PATIENCE = 1.0
PLACES = 4
"""Sign-ins of one source that wait or are looked at."""
_line: Counter[str] = Counter()
_lock = threading.Lock()
_turns = threading.BoundedSemaphore(AT_ONCE)
_hasher = PasswordHasher()


def _nobody() -> str:
    """What is verified against when the login is unknown, so that the time taken does not tell which logins exist.

    Of today's parameters, and of no password: nothing is hashed for it, since every process that starts would wait.
    """
    salt, digest = (
        b64encode(os.urandom(length)).decode().rstrip("=") for length in (_hasher.salt_len, _hasher.hash_len)
    )
    costs = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${costs}${salt}${digest}"


_NOBODY = _nobody()


class SignInsBusy(Unavailable):
    """Too many people sign in at this moment."""

    code = "sign_ins_busy"
    advice = "Wait for the time in Retry-After, then sign in again."


@contextmanager
def turn(source: str | None = None) -> Iterator[None]:
    """One of the few sign-ins at once; take it before a database session. Raises :class:`SignInsBusy`.

    Turns come in order, and one ``source`` has a few places in the line: who sends hundreds does not make others wait.
    """
    with _place(source):
        if not _turns.acquire(timeout=PATIENCE):
            raise SignInsBusy(retry_after=2)
        try:
            yield
        finally:
            _turns.release()


@contextmanager
def _place(source: str | None) -> Iterator[None]:
    if source is None:
        yield
        return
    with _lock:
        if _line[source] >= PLACES:
            raise SignInsBusy(retry_after=2)
        _line[source] += 1
    try:
        yield
    finally:
        with _lock:
            _line[source] -= 1
            if not _line[source]:
                del _line[source]


def hashed(password: str) -> str:
    """The encoded argon2id hash."""
    return _hasher.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one; takes as long when there is none stored."""
    try:
        _hasher.verify(stored or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def outdated(stored: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)
