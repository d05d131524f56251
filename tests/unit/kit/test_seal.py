"""What is sealed opens with the same secret, for the same purpose and context, and not otherwise."""

import pytest

from appliance.kit.crypto import Seal, Unsealable, token

SECRET = token()


def test_what_was_sealed_opens_and_looks_different_each_time() -> None:
    seal = Seal(SECRET, "directory")
    one, two = seal.close(b"bind password", "tenant 1"), seal.close(b"bind password", "tenant 1")
    assert one != two
    assert b"bind" not in one
    assert seal.open(one, "tenant 1") == seal.open(two, "tenant 1") == b"bind password"


def test_nothing_opens_elsewhere_or_changed() -> None:
    seal = Seal(SECRET, "directory")
    sealed = seal.close(b"bind password", "tenant 1")
    tries = [
        (seal, sealed, "tenant 2"),
        (Seal(SECRET, "totp"), sealed, "tenant 1"),
        (Seal(token(), "directory"), sealed, "tenant 1"),
    ]
    tries += [(seal, sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], "tenant 1") for at in range(len(sealed))]
    tries += [(seal, sealed[:length], "tenant 1") for length in (0, 5, 12, 20)]
    for other, value, context in tries:
        with pytest.raises(Unsealable):
            other.open(value, context)
