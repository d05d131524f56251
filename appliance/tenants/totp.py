"""One-time codes (RFC 6238: HMAC-SHA-1, six digits, steps of 30 seconds), which any authenticator app shows. Pure."""

import base64
import hashlib
import hmac
import re
import secrets
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode

STEP: Final = 30
"""Seconds."""
DRIFT: Final = 1
"""Steps that a clock may go before or behind."""
DIGITS: Final = 6
_SECRET_BYTES = 20
"""RFC 4226 §4: as long as the hash."""
_RECOVERY_BYTES = 10
RECOVERY_CODES: Final = 10


def new_secret() -> bytes:
    """160 random bits."""
    return secrets.token_bytes(_SECRET_BYTES)


def step_of(moment: datetime) -> int:
    """The step that a moment lies in."""
    return int(moment.timestamp()) // STEP


def code_of(secret: bytes, step: int) -> str:
    """The code of a step (RFC 4226 §5.3)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    offset = mac[-1] & 0xF
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def matched(secret: bytes, code: str, now: int, after: int) -> int | None:
    """The step whose code this is, near ``now`` and later than ``after``, the last one used; None: of none.

    All steps are looked at, whatever is found: the time taken tells nothing.
    """
    found = None
    for step in range(now - DRIFT, now + DRIFT + 1):
        equal = hmac.compare_digest(code_of(secret, step).encode(), code.encode())
        if equal and step > after:
            found = step
    return found


def shown(secret: bytes) -> str:
    """The secret as an app takes it typed: base32."""
    return base64.b32encode(secret).decode()


def uri(secret: bytes, login: str, issuer: str) -> str:
    """What an app reads from a QR code (the Key Uri Format)."""
    told = urlencode({"secret": shown(secret), "issuer": issuer, "digits": DIGITS, "period": STEP}, quote_via=quote)
    return f"otpauth://totp/{quote(issuer, safe='')}:{quote(login, safe='')}?{told}"


def recovery_codes() -> list[str]:
    """Codes for who has lost the app: 80 random bits each, in groups of four."""
    made = (base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode() for _ in range(RECOVERY_CODES))
    return ["-".join(re.findall("....", code)) for code in made]


def typed(code: str) -> str:
    """A code as it was meant: without spaces and hyphens, in capitals."""
    return re.sub(r"[\s-]", "", code).upper()


def recovery_hash(code: str) -> bytes:
    """What is stored of a recovery code: SHA-256 is enough for 80 random bits; bound to its purpose."""
    return hashlib.sha256(b"recovery code\0" + typed(code).encode()).digest()
