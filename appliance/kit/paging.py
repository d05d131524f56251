"""Lists by cursor: a page is the rows after a key, so inserts between two pages neither repeat nor skip a row."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from appliance.kit.errors import BadCursor

T = TypeVar("T")

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items and the cursor of the next page, None at the end."""

    items: tuple[T, ...]
    next_cursor: str | None


def encode(key: UUID) -> str:
    """The opaque cursor that stands for "after this id"."""
    return base64.urlsafe_b64encode(key.bytes).rstrip(b"=").decode()


def decode(cursor: str | None) -> UUID | None:
    """The id behind a cursor. Raises :class:`BadCursor`."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return UUID(bytes=raw)
    except (binascii.Error, ValueError) as error:
        raise BadCursor from error


def page(rows: Sequence[T], limit: int, keys: Sequence[UUID]) -> Page[T]:
    """A page out of up to ``limit + 1`` rows: the extra one only says that there is more."""
    more = len(rows) > limit
    return Page(tuple(rows[:limit]), encode(keys[limit - 1]) if more else None)
