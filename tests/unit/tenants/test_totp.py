"""One-time codes against the RFC's own vectors; what is taken, what is not."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from appliance.tenants import totp

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_rfc_6238_appendix_b(seconds: int, code: str) -> None:
    """It shows eight digits; the last six are the code of six."""
    assert totp.code_of(SECRET, totp.step_of(EPOCH + timedelta(seconds=seconds))) == code[-6:]


@pytest.mark.parametrize(("drift", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_wrong_by_one_step(drift: int, taken: bool) -> None:
    assert (totp.matched(SECRET, totp.code_of(SECRET, 100 + drift), 100, 0) == 100 + drift) is taken


def test_no_step_is_taken_twice_nor_one_before_it() -> None:
    code = totp.code_of(SECRET, 100)
    assert totp.matched(SECRET, code, 100, 99) == 100
    assert totp.matched(SECRET, code, 100, 100) is None
    assert totp.matched(SECRET, totp.code_of(SECRET, 99), 100, 100) is None


@pytest.mark.parametrize("code", ["", "12345", "１２３４５６", "１23456é", "0" * 40])
def test_what_is_no_code_is_wrong_and_nothing_worse(code: str) -> None:
    assert totp.matched(SECRET, code, 100, 0) is None


def test_an_app_reads_the_uri_whatever_the_login_is() -> None:
    parts = urlsplit(totp.uri(SECRET, "ann/lee?secret=x&é", "Works & Co"))
    assert (parts.scheme, parts.netloc, parts.path) == (
        "otpauth",
        "totp",
        "/Works%20%26%20Co:ann%2Flee%3Fsecret%3Dx%26%C3%A9",
    )
    told = parse_qs(parts.query)
    assert told == {"secret": [totp.shown(SECRET)], "issuer": ["Works & Co"], "digits": ["6"], "period": ["30"]}


def test_recovery_codes_are_long_independent_and_read_as_typed() -> None:
    codes = totp.recovery_codes()
    assert len(set(codes)) == totp.RECOVERY_CODES == 10
    assert {len(totp.typed(code)) for code in codes} == {16}  # 80 bits in base32
    assert totp.recovery_hash(codes[0]) == totp.recovery_hash(codes[0].lower().replace("-", " "))
    assert len({totp.new_secret() for _ in range(50)}) == 50
