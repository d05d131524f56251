"""How Excel shows a number: as a date, a time, a per cent or a count, told by the format of its style. Pure.

Formats: ECMA-376 part 1, §18.8.30. Dates are days since 1899-12-30 (or 1904-01-01), right from March 1900 on: before it
stands Excel's 29 February 1900.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final, Protocol

from lxml import etree

_BUILT_IN_DATES: Final = frozenset([*range(14, 18), *range(27, 32), 34, 35, 36, *range(50, 59)])
_BUILT_IN_TIMES: Final = frozenset([*range(18, 22), 32, 33, 45, 46, 47])
_BUILT_IN: Final = {9: "0%", 10: "0.00%", 22: "yyyy-mm-dd h:mm"}
# Literals, colours and conditions ([Red], [>=100]), padding and escapes say nothing of the kind.
_ASIDE: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_CURRENCY: Final = re.compile(r'\[\$([^\]-]{1,4})[^\]]*\]|"?([€£$¥₩₹]|HK\$|NT\$|US\$)"?')
_DIGITS: Final = 15
"""Excel keeps so many."""

_FIRST: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - what a cell holds has no zone
_LATE: Final = 1462
_LAST: Final = 2_958_466


class Style(Protocol):
    """One look of a cell."""

    def shown(self, value: str) -> str:
        """The value as it is read."""
        ...


@dataclass(frozen=True, slots=True)
class General:
    """A number as it is, without the noise of binary fractions. ``before`` and ``after``: signs of a currency."""

    before: str = ""
    after: str = ""

    def shown(self, value: str) -> str:
        """The value as it is read; what is no number stays."""
        number = _number(value)
        return f"{self.before}{_plain(number)}{self.after}" if number is not None else value


@dataclass(frozen=True, slots=True)
class PerCent:
    """0.19 is 19%."""

    def shown(self, value: str) -> str:
        """The value as it is read; what is no number stays."""
        number = _number(value)
        return f"{_plain(number * 100)}%" if number is not None else value


@dataclass(frozen=True, slots=True)
class Moment:
    """Days since an epoch, as ISO 8601; the time only where the format has one, or the value no date."""

    date: bool
    time: bool
    late: bool = False

    def shown(self, value: str) -> str:
        """The value as it is read; what is no number stays."""
        number = _number(value)
        if number is None or not 0 <= number < _LAST:
            return value
        days = float(number) + (_LATE if self.late else 0)
        at = _FIRST + timedelta(seconds=round(days * 86_400))
        clock = f"{at:%H:%M}" if at.second == 0 else f"{at:%H:%M:%S}"
        if not self.date:
            hours = int(days) * 24 + at.hour
            return f"{hours}:{clock[3:]}" if days >= 1 else clock
        return f"{at:%Y-%m-%d} {clock}" if self.time and at.time() != at.min.time() else f"{at:%Y-%m-%d}"


def styles(sheet: etree._Element, *, late: bool) -> list[Style]:
    """The look of each cell format (cellXfs), in order. ``late``: the workbook counts from 1904."""
    own = {one.get("numFmtId", ""): one.get("formatCode", "") for one in sheet.iterfind("{*}numFmts/{*}numFmt")}
    return [_style(one.get("numFmtId", "0"), own, late=late) for one in sheet.iterfind("{*}cellXfs/{*}xf")]


def _style(identity: str, own: Mapping[str, str], *, late: bool) -> Style:
    number = int(identity) if identity.isdecimal() and len(identity) < _DIGITS else 0
    if identity not in own and number in _BUILT_IN_DATES:
        return Moment(date=True, time=False, late=late)
    if identity not in own and number in _BUILT_IN_TIMES:
        return Moment(date=False, time=True, late=late)
    return style(own.get(identity, _BUILT_IN.get(number, "General")), late=late)


def style(code: str, *, late: bool = False) -> Style:
    """The look that a format code gives to positive numbers."""
    first = code.split(";", maxsplit=1)[0]
    signs = _ASIDE.sub("", first).lower()
    if "general" not in signs:
        date, time = bool(re.search(r"[yd]|m{3}|^m+$|m/|/m|-m|m-|年|月", signs)), bool(re.search("[hs]", signs))
        if date or time:
            return Moment(date, time, late)
        if "%" in signs:
            return PerCent()
    currency = _CURRENCY.search(first)
    if currency is None:
        return General()
    sign = currency.group(1) or currency.group(2)
    digits = re.search("[0#?]", first)
    return General(before=sign) if digits is None or currency.start() < digits.start() else General(after=f" {sign}")


def _number(value: str) -> Decimal | None:
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found.adjusted()) < 400 else None  # noqa: PLR2004 - a double ends at 308


def _plain(number: Decimal) -> str:
    """To Excel's 15 digits, without an exponent where people write none."""
    rounded = Decimal(f"{number:.{_DIGITS}g}")
    if not rounded:
        return "0"
    told = f"{rounded:f}" if -_DIGITS < rounded.adjusted() <= _DIGITS + 5 else f"{rounded:e}"
    return told.rstrip("0").rstrip(".") if "." in told and "e" not in told else told
