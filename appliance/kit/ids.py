"""Identifiers: UUIDv7 made in Python, because PostgreSQL 14 has no function for it."""

import os
import threading
import time
from struct import unpack
from typing import Final
from uuid import UUID, SafeUUID

_lock = threading.Lock()
_last = 0

_MILLISECOND_BITS = 48
_RANDOM_BYTES = 8
_STOCK = 512
_set: Final = object.__setattr__
_random: list[int] = []
"""Numbers of the system's generator that nobody had yet, fetched for many ids at once: a call for each costs more than
all the rest. A child of a fork begins with none, since it would give out its parent's."""
os.register_at_fork(after_in_child=_random.clear)


def uuid7() -> UUID:
    """A UUID version 7 (RFC 9562 §5.7) that sorts after every one made earlier by this process.

    The 12 bits behind the milliseconds count up inside one millisecond (method 3 of §6.2), so rows written in a loop
    keep their order when sorted by id.
    """
    global _last  # noqa: PLW0603 - the monotonic mark of the process, guarded by the lock
    ticks = time.time_ns() * 64 // 15_625  # 1/4096 ms
    with _lock:
        _last = ticks = max(ticks, _last + 1)
        if not _random:
            fetched = os.urandom(_STOCK * _RANDOM_BYTES)
            _random.extend(unpack(f"{_STOCK}Q", fetched))
        chance = _random.pop() >> 2
    milliseconds, fraction = ticks >> 12, ticks & 0xFFF
    value = (milliseconds & ((1 << _MILLISECOND_BITS) - 1)) << 80
    value |= 0x7 << 76 | fraction << 64 | 0b10 << 62 | chance
    made = UUID.__new__(UUID)  # its constructor looks at what it is given, which takes longer than making it
    _set(made, "int", value)
    _set(made, "is_safe", SafeUUID.unknown)
    return made
