"""One text for one value, so that a digest or a signature over it means the same everywhere.

JSON as in RFC 8785 for what we sign: keys in code point order, no spaces, UTF-8. Floats are refused instead of being
written in ECMAScript's way: what is signed or chained holds none.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence

Canonical = None | bool | int | str | Sequence["Canonical"] | Mapping[str, "Canonical"]


def canonical(value: Canonical) -> bytes:
    """The bytes of a value. Raises TypeError for a float, for a key that is no string and for anything else."""
    _check(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest_of(value: Canonical) -> str:
    """SHA-256 of :func:`canonical`, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _check(value: object) -> None:
    match value:
        case None | bool() | int() | str():
            return
        case Mapping():
            for key, one in value.items():
                if not isinstance(key, str):
                    raise TypeError(f"{key!r} is no name")
                _check(one)
        case list() | tuple():
            for one in value:
                _check(one)
        case _:
            raise TypeError(f"{type(value).__name__} has no canonical form")
