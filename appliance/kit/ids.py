"""Identifiers: UUIDv7 made in Python, because PostgreSQL 14 has no function for it."""

import secrets
import threading
import time
from uuid import UUID

_lock = threading.Lock()
_last = 0

_MILLISECOND_BITS = 48


def uuid7() -> UUID:
    """A UUID version 7 (RFC 9562 §5.7) that sorts after every one made earlier by this process.

    The 12 bits behind the milliseconds count up inside one millisecond (method 3 of §6.2), so rows written in a loop
    keep their order when sorted by id.
    """
    global _last  # noqa: PLW0603 - the monotonic mark of the process, guarded by the lock
    ticks = time.time_ns() * 4096 // 1_000_000  # 1/4096 ms
    with _lock:
        _last = ticks = max(ticks, _last + 1)
    milliseconds, fraction = ticks >> 12, ticks & 0xFFF
    value = (milliseconds & ((1 << _MILLISECOND_BITS) - 1)) << 80
    value |= 0x7 << 76 | fraction << 64 | 0b10 << 62 | secrets.randbits(62)
    return UUID(int=value)
