"""A certificate of a deletion: every byte of it counts, and it cannot be put on another's name."""

import json

import pytest

from appliance.kit.canonical import canonical
from appliance.tenants.certificate import CertificateInvalid, Signer, signer_of, verified
from appliance.tenants.forgetting import tallied

SIGNER, OTHER = Signer("s" * 43), Signer("o" * 43)
BODY = {"tenant": {"id": "t", "name": "北方"}, "deleted": {"documents": {"count": 2, "digest": "ab"}}, "kept": {}}


def test_what_was_signed_is_what_is_read() -> None:
    raw = SIGNER.sign(BODY).encode()
    assert verified(raw)["deleted"] == BODY["deleted"]
    assert verified(raw + b"\n", SIGNER.key) == verified(raw)
    assert signer_of(raw) == SIGNER.key


def test_no_byte_may_be_changed() -> None:
    raw = SIGNER.sign(BODY).encode()
    accepted = []
    for place in range(len(raw)):
        for changed in (raw[place] ^ 1, raw[place] ^ 0x20, ord(" ")):
            if changed == raw[place]:
                continue
            forged = raw[:place] + bytes([changed]) + raw[place + 1 :]
            try:
                verified(forged)
            except CertificateInvalid:
                continue
            accepted.append((place, forged))
    assert not accepted


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"body":{},"key":"","signature":""}',
        b"\xff\xfe",
        b"[" * 100_000,
        b" " * (2 << 20),
        SIGNER.sign(BODY).encode() + b" ",
        json.dumps(json.loads(SIGNER.sign(BODY))).encode(),
    ],
)
def test_what_is_no_certificate_is_refused_by_name(raw: bytes) -> None:
    with pytest.raises(CertificateInvalid):
        verified(raw)


def test_another_key_than_the_one_that_was_kept_is_refused() -> None:
    with pytest.raises(CertificateInvalid, match="another key"):
        verified(OTHER.sign(BODY).encode(), SIGNER.key)


def test_the_body_of_one_appliance_under_the_signature_of_another_is_refused() -> None:
    mine, theirs = json.loads(SIGNER.sign(BODY)), json.loads(OTHER.sign(BODY))
    for swapped in ({**mine, "body": theirs["body"]}, {**mine, "key": theirs["key"]}):
        with pytest.raises(CertificateInvalid):
            verified(canonical(swapped))


def test_a_tally_goes_on_where_it_stood() -> None:
    names = [f"name {number}" for number in range(5_000)]
    whole = tallied(None, names)
    assert whole["count"] == len(names)
    assert tallied(tallied(None, names[:2_000]), names[2_000:]) == whole
    assert tallied(None, reversed(names))["digest"] != whole["digest"]
    assert tallied(None, []) == {"count": 0, "digest": tallied(None, iter(()))["digest"]}
