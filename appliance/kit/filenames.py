"""Names of files that are sent and saved: what somebody called a document, made safe for a header and a directory."""

import re
import unicodedata
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import quote

LONGEST: Final = 200
"""Bytes of UTF-8: file systems take 255, and who saves a file puts something to its name meanwhile."""
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_ATTRIBUTE: Final = "!#$&+^`|"
"""What RFC 5987 lets stand as it is, beside letters, digits and what ``quote`` never touches."""


def saved(name: str, otherwise: str = "document") -> str:
    """The last part of ``name`` as that of a file; ``otherwise`` where nothing is left of it.

    Without separators of either kind, characters that nobody sees, and dots at its ends: such a file is hidden, or is a
    directory.
    """
    seen = "".join(letter for letter in name if unicodedata.category(letter) not in _UNSEEN)
    last = re.split(r"[/\\]", seen.rstrip("/\\"))[-1]
    return _shortened(last.strip(" .")) or otherwise


def attachment(name: str) -> str:
    """Content-Disposition of a file of this name (RFC 6266): in ASCII for old programs, and as it is (RFC 5987)."""
    plain = saved(name)
    ascii_ = re.sub(r'[^ -~]|["\\%]', "_", plain)
    exact = "" if ascii_ == plain else f"; filename*=UTF-8''{quote(plain, safe=_ATTRIBUTE)}"
    return f'attachment; filename="{ascii_}"{exact}'


def _shortened(name: str) -> str:
    """At most ``LONGEST`` bytes; the suffix stays, if it is one."""
    if len(name.encode()) <= LONGEST:
        return name
    suffix = PurePosixPath(name).suffix
    kept = suffix if len(suffix.encode()) <= LONGEST // 4 else ""
    stem = name.removesuffix(kept).encode()[: LONGEST - len(kept.encode())]
    return stem.decode(errors="ignore").rstrip(" .") + kept
