"""Records and accounts as CSV (RFC 4180), for spreadsheets. Pure."""

import csv
import io
from collections.abc import Iterator
from dataclasses import astuple, fields
from typing import Final
from uuid import UUID

from appliance.usage.reading import Sums
from appliance.usage.reports import Account, Record

COLUMNS: Final = ("appliance_id", "tenant_id", *(field.name for field in fields(Record)))
ACCOUNT: Final = (
    *("appliance_id", "tenant_id", "month", "since", "until", "time_zone", "by", "of"),
    *(field.name for field in fields(Sums)),
    *("cost", "currency"),
)
"""``by``: total, user, key, route or model; the lines of each of these but the first add up to the first."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula: a route's name is an operator's text."""


def heading() -> str:
    """The first line."""
    return _written(COLUMNS)


def line(appliance: UUID, tenant: UUID, record: Record) -> str:
    """One request."""
    return _written((appliance, tenant, *astuple(record)))


def account(appliance: UUID, found: Account, currency: str) -> Iterator[str]:
    """What a tenant is to be charged for a month: the total, then its parts by user, key, route and model."""
    yield _written(ACCOUNT)
    window = found.window
    head = (appliance, found.tenant, found.month, window.start, window.end, found.time_zone)
    parts = (
        ("total", (found.total,)),
        *(("user", found.users), ("key", found.keys), ("route", found.routes), ("model", found.models)),
    )
    for by, lines in parts:
        for one in lines:
            yield _written((*head, by, one.name, *astuple(one.sums), one.cost, currency))


def _written(values: tuple[object, ...]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([_plain(value) for value in values])
    return out.getvalue()


def _plain(value: object) -> str:
    if value is None:
        return ""
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
