"""Records as CSV (RFC 4180), one a line, for spreadsheets. Pure."""

import csv
import io
from dataclasses import astuple, fields
from typing import Final
from uuid import UUID

from appliance.usage.reports import Record

COLUMNS: Final = ("appliance_id", "tenant_id", *(field.name for field in fields(Record)))
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula: a route's name is an operator's text."""


def heading() -> str:
    """The first line."""
    return _written(COLUMNS)


def line(appliance: UUID, tenant: UUID, record: Record) -> str:
    """One request."""
    return _written((appliance, tenant, *astuple(record)))


def _written(values: tuple[object, ...]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([_plain(value) for value in values])
    return out.getvalue()


def _plain(value: object) -> str:
    if value is None:
        return ""
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
