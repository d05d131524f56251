"""The links of a page, and what it says to robots: by Python's own parser, of at most some megabytes.

Addresses come out whole, without fragment, in ASCII; what could be read in two ways is left out.
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import quote, urldefrag, urljoin, urlsplit

from appliance.drivers.fetcher import AddressRefused, parse

MOST_BYTES: Final = 2 * 1024 * 1024
MOST_LINKS: Final = 5_000
LONGEST: Final = 2_000
_KEPT: Final = "!#$%&'()*+,/:;=?@[]~"


@dataclass(slots=True)
class Page:
    """What a page says. ``index``: it may be kept; links are empty where they must not be followed."""

    links: list[str] = field(default_factory=list)
    index: bool = True


def read(body: bytes, address: str) -> Page:
    """Of an HTML page at this address."""
    reader = _Reader(address)
    reader.feed(body[:MOST_BYTES].decode("utf-8", "replace"))
    found = [one for one in (normal(urljoin(reader.base, href)) for href in reader.hrefs) if one]
    return Page(list(dict.fromkeys(found)) if reader.follow else [], reader.index)


def normal(address: str) -> str | None:
    """An address as it is compared: None for what is not http(s), or could be read in two ways."""
    try:
        bare = urldefrag(address.strip()).url
        parts = urlsplit(bare)
        if parts.scheme not in ("http", "https") or not parts.hostname or len(bare) > LONGEST:
            return None
        host = parts.hostname.encode("idna").decode() if not parts.hostname.isascii() else parts.netloc.lower()
        query = f"?{quote(parts.query, safe=_KEPT)}" if parts.query else ""
        made = f"{parts.scheme}://{host}{quote(parts.path or '/', safe=_KEPT)}{query}"
        where = parse(made)
    except (AddressRefused, ValueError):
        return None
    return f"{where.scheme}://{where.authority}{where.target}"


class _Reader(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__(convert_charrefs=True)
        self.base = address
        self.hrefs: list[str] = []
        self.follow = True
        self.index = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """As HTMLParser."""
        if tag not in ("a", "area", "base", "meta"):
            return
        told = {name: value or "" for name, value in attrs}
        if tag == "meta":
            self._meta(told)
        elif tag == "base":
            self.base = urljoin(self.base, told.get("href", ""))
        elif len(self.hrefs) < MOST_LINKS and "nofollow" not in told.get("rel", "").lower():
            self.hrefs.append(told.get("href", ""))

    def _meta(self, told: dict[str, str]) -> None:
        if told.get("name", "").lower() == "robots":
            words = {word.strip() for word in told.get("content", "").lower().split(",")}
            self.follow = self.follow and not words & {"nofollow", "none"}
            self.index = self.index and not words & {"noindex", "none"}
