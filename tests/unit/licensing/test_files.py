"""Signed files: what is refused, by which name."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.kit.canonical import Canonical, canonical
from appliance.kit.errors import ApplianceError
from appliance.licensing.errors import (
    BoundElsewhere,
    Ended,
    FileTooLarge,
    Malformed,
    NotAccepted,
    NotYetValid,
    Revoked,
    Tampered,
    WrongKey,
)
from appliance.licensing.licence import DAY, check, read_licence, read_revocations
from appliance.licensing.signing import Keys, Purpose, key_id, link, root_keys, signed
from appliance.licensing.strict import moment, seconds
from tests.factories.licences import NOW, Vendor, terms

VENDOR = Vendor()
FILE = VENDOR.licence()
HERE = "cd" * 32


def test_a_licence_says_what_was_signed() -> None:
    found = read_licence(FILE, VENDOR.keys)
    assert (found.customer, found.fingerprint, found.features) == ("Beispiel AG 示例", None, ("finetune",))
    assert (found.limits.tenants, found.limits.seats, found.limits.gpus, found.limits.adapters) == (5, 50, 2, 8)
    assert found.models[0].digests == ("ab" * 32,)
    assert found.ends == found.expires + 30 * DAY
    assert found.key == key_id(VENDOR.root.public_key())


def test_no_byte_of_a_licence_can_be_changed_left_out_or_added() -> None:
    dice = random.Random(20261124)
    for place in range(len(FILE)):
        other = bytes([FILE[place] ^ (1 << dice.randrange(8))])
        changes = (FILE[:place] + other + FILE[place + 1 :], FILE[:place] + b" " + FILE[place:])
        for changed in (*changes, FILE[:place] + FILE[place + 1 :] if place < len(FILE) - 1 else FILE[:-2]):
            with pytest.raises(NotAccepted):
                read_licence(changed, VENDOR.keys)


def _envelope(**changed: Canonical) -> bytes:
    return canonical({**json.loads(FILE), **changed})


def _payload(**changed: Canonical) -> bytes:
    return _envelope(payload={**json.loads(FILE)["payload"], **changed})


def _list_as_licence() -> bytes:
    told = json.loads(VENDOR.revocations(1))
    return canonical({**told, "format": Purpose.LICENCE.value})


REFUSED: dict[str, tuple[bytes, type[ApplianceError]]] = {
    "a changed limit": (_payload(grace_days=31), Tampered),
    "a changed customer": (_payload(customer="Other"), Tampered),
    "another licence's signature": (_envelope(signatures=json.loads(VENDOR.licence())["signatures"]), Tampered),
    "a list's signature under its own members": (_list_as_licence(), Tampered),
    "a list": (VENDOR.revocations(1), Malformed),
    "no signature": (_envelope(signatures=[]), Tampered),
    "too many signatures": (_envelope(signatures=json.loads(FILE)["signatures"] * 5), Malformed),
    "an unknown vendor": (Vendor().licence(), WrongKey),
    "a key without its link": (VENDOR.licence(VENDOR.later), WrongKey),
    "a link of a stranger": (VENDOR.licence(VENDOR.later, [link(VENDOR.later.public_key(), VENDOR.later)]), WrongKey),
    "a link that names another key": (
        VENDOR.licence(
            VENDOR.later,
            [{**VENDOR.link, "payload": {"key": "0" * 16, "public": VENDOR.link["payload"]["public"]}}],  # type: ignore[index,call-overload] # JSON
        ),
        Tampered,
    ),
    "an unknown member": (VENDOR.licence(also=1), Malformed),
    "an unknown member around it": (_envelope(also=1), Malformed),
    "a member twice": (b'{"format":"a","format":"b"}', Malformed),
    "spaces": (FILE.replace(b'":', b'": '), Tampered),
    "two newlines": (FILE + b"\n", Tampered),
    "too large": (b" " * (64 * 1024 + 1), FileTooLarge),
    "empty": (b"", Malformed),
    "no object": (b"[]", Malformed),
    "no UTF-8": (b"\xff\xfe", Malformed),
    "half a character": (b'{"a":"\\ud800"}', Malformed),
    "a float": (b'{"a":1.5}', Malformed),
    "infinity": (b'{"a":Infinity}', Malformed),
    "a huge number": (b'{"a":' + b"9" * 5000 + b"}", Malformed),
    "a tower": (b"[" * 60_000, Malformed),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    raw, error = REFUSED[name]
    with pytest.raises(error) as caught:
        read_licence(raw, VENDOR.keys)
    assert type(caught.value) is error


WRONG: dict[str, dict[str, Canonical]] = {
    "id": {"id": "X"},
    "customer": {"customer": ""},
    "customer with a line break": {"customer": "a\nb"},
    "fingerprint": {"fingerprint": "ab"},
    "models": {"models": {}},
    "a model's kind": {"models": [{"kind": "x", "name": "m", "digests": ["ab" * 32]}]},
    "a version with two digests": {"models": [{"kind": "version", "name": "m", "digests": ["aa" * 32, "bb" * 32]}]},
    "a family without": {"models": [{"kind": "family", "name": "m", "digests": []}]},
    "limits": {"limits": {"tenants": 1}},
    "a limit below zero": {"limits": {"tenants": -1, "seats": 1, "gpus": 1, "adapters": 1}},
    "a limit that is a truth": {"limits": {"tenants": True, "seats": 1, "gpus": 1, "adapters": 1}},
    "a feature twice": {"features": ["a", "a"]},
    "features out of order": {"features": ["b", "a"]},
    "a time without its zone": {"issued_at": "2026-11-24T00:00:00"},
    "a day that is none": {"not_before": "2026-02-30T00:00:00Z"},
    "an end before the beginning": {"expires": "2020-01-01T00:00:00Z"},
    "grace without end": {"grace_days": 366},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_signature_does_not_excuse_the_form(name: str) -> None:
    with pytest.raises(Malformed):
        read_licence(VENDOR.licence(**WRONG[name]), VENDOR.keys)


def test_a_later_key_signs_when_its_chain_is_there() -> None:
    third = Ed25519PrivateKey.generate()
    chain: list[Canonical] = [VENDOR.link, link(third.public_key(), VENDOR.later)]
    assert read_licence(VENDOR.licence(third, chain), VENDOR.keys).key == key_id(third.public_key())
    with pytest.raises(WrongKey):
        read_licence(VENDOR.licence(third, chain[::-1]), VENDOR.keys)


def test_a_revoked_key_and_all_that_it_signed_are_refused() -> None:
    third = Ed25519PrivateKey.generate()
    chain: list[Canonical] = [VENDOR.link, link(third.public_key(), VENDOR.later)]
    keys = Keys(VENDOR.root.public_key(), [key_id(VENDOR.later.public_key())])
    for file in (VENDOR.licence(VENDOR.later, [VENDOR.link]), VENDOR.licence(third, chain)):
        with pytest.raises(WrongKey, match="revoked"):
            read_licence(file, keys)


def test_a_payload_names_who_signed() -> None:
    payload = {**terms(), "key": "0" * 16}
    good = json.loads(signed(Purpose.LICENCE, payload, VENDOR.root))
    assert good["payload"]["key"] == key_id(VENDOR.root.public_key())


def test_a_list_of_revocations_is_read() -> None:
    one = str(read_licence(FILE, VENDOR.keys).id)
    found = read_revocations(VENDOR.revocations(7, one), VENDOR.keys)
    assert (found.sequence, found.licences, found.keys) == (7, frozenset({one}), frozenset())
    with pytest.raises(Malformed):
        read_revocations(FILE, VENDOR.keys)


CHECKED: dict[str, tuple[dict[str, Any], int, Callable[[str], frozenset[str]], type[ApplianceError] | None]] = {
    "in time": ({}, NOW, lambda _: frozenset(), None),
    "on its first second": ({}, NOW - DAY, lambda _: frozenset(), None),
    "a second before": ({}, NOW - DAY - 1, lambda _: frozenset(), NotYetValid),
    "in grace": ({}, NOW + 393 * DAY, lambda _: frozenset(), None),
    "after grace": ({}, NOW + 394 * DAY, lambda _: frozenset(), Ended),
    "bound to this": ({"fingerprint": HERE}, NOW, lambda _: frozenset(), None),
    "bound to another": ({"fingerprint": "ef" * 32}, NOW, lambda _: frozenset(), BoundElsewhere),
    "revoked": ({}, NOW, lambda name: frozenset({name}), Revoked),
}


@pytest.mark.parametrize("name", CHECKED)
def test_when_and_where_it_may_be_installed(name: str) -> None:
    changed, now, revoked, error = CHECKED[name]
    licence = read_licence(VENDOR.licence(**changed), VENDOR.keys)
    if error is None:
        check(licence, now, HERE, revoked(licence.id))
        return
    with pytest.raises(error):
        check(licence, now, HERE, revoked(licence.id))


def test_times_are_read_as_they_are_written() -> None:
    assert seconds(moment(NOW), "") == NOW


def test_the_pinned_root_is_a_key() -> None:
    assert len(root_keys().root) == 16
