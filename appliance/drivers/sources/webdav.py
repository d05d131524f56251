"""A WebDAV collection (RFC 4918): PROPFIND of each level, GET of each file. Nothing outside of it is asked for."""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, Final
from urllib.parse import unquote, urljoin

import httpx
from lxml import etree

from appliance.drivers.fetcher import AddressRefused, parse
from appliance.drivers.sources import xml
from appliance.drivers.sources.links import normal
from appliance.drivers.sources.port import Entry, ItemRefused, Skip, SourceUnreachable
from appliance.drivers.sources.reach import Http, Pieces, of_one, unreachable, whole

_LEVEL: Final = 32 * 1024 * 1024
_DEEPEST: Final = 40
_OK, _MULTI, _UNAUTHORIZED = 200, 207, 401
_ASKED: Final = (
    b'<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop>'
    b"<resourcetype/><getetag/><getlastmodified/><getcontentlength/></prop></propfind>"
)
CHANGED: Final = Skip("changed", "It was changed or removed while it was looked at.", how="wait")


@dataclass(frozen=True, slots=True)
class Share:
    """Where, and as whom; ``user`` None: as nobody."""

    url: str
    user: str | None
    password: str = field(repr=False, default="")


class WebDav:
    """One collection, with all that lies in it."""

    def __init__(self, http: Http, share: Share) -> None:
        self._http = http
        self._top = normal(share.url.rstrip("/") + "/") or ""
        self._headers = {}
        if share.user is not None:
            word = base64.b64encode(f"{share.user}:{share.password}".encode()).decode()
            self._headers["authorization"] = f"Basic {word}"
        self._complete = False

    @property
    def complete(self) -> bool:
        """Whether every level was listed."""
        return self._complete

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def check(self) -> str:
        """List the top."""
        return f"The collection answers; {len(self._level(self._top)) - 1} entries lie in it."

    def entries(self) -> Iterator[Entry]:
        """Every file, level by level."""
        self._complete, cut = False, False
        waiting, known = [(self._top, 0)], {self._top}
        while waiting:
            address, depth = waiting.pop()
            for found in self._level(address):
                inside = self._inside(found.findtext("{DAV:}href") or "", address)
                if inside is None or inside in known:
                    continue
                known.add(inside)
                if found.find(".//{DAV:}resourcetype/{DAV:}collection") is None:
                    yield self._entry(inside, found)
                elif depth < _DEEPEST:
                    waiting.append((inside, depth + 1))
                else:
                    cut = True
        self._complete = not cut

    @contextmanager
    def fetch(self, entry: Entry) -> Iterator[BinaryIO]:
        """The file, if it is still the one that was listed."""
        with of_one(), self._asked("GET", self._top + entry.external) as answer:
            etag = answer.headers.get("etag")
            if answer.status_code != _OK or (etag and entry.token.startswith('"') and etag != entry.token):
                raise ItemRefused(CHANGED)
            yield io.BufferedReader(Pieces(answer))

    def _level(self, address: str) -> list[etree._Element]:
        with unreachable(), self._asked("PROPFIND", address, {"depth": "1"}, _ASKED) as answer:
            body = whole(answer, _LEVEL)
            if answer.status_code == _UNAUTHORIZED:
                raise SourceUnreachable("The server does not take the user and password.")
            if answer.status_code != _MULTI:
                raise SourceUnreachable(f"The collection cannot be listed: the server answered {answer.status_code}.")
            return list(xml.parsed(body).iterfind("{DAV:}response"))

    def _inside(self, href: str, address: str) -> str | None:
        """An address that lies below the top; None for any other: a server may say what it likes."""
        found = normal(urljoin(address, href.strip()))
        if found is None or not found.startswith(self._top) or ".." in unquote(found).split("/"):
            return None
        return found

    def _entry(self, address: str, found: etree._Element) -> Entry:
        path = address.removeprefix(self._top)
        size = found.findtext(".//{DAV:}getcontentlength") or ""
        etag = found.findtext(".//{DAV:}getetag") or ""
        token = etag or f"{found.findtext('.//{DAV:}getlastmodified')} {size}"
        return Entry(path, unquote(path), token, int(size) if size.isdigit() else None)

    @contextmanager
    def _asked(
        self, method: str, address: str, headers: dict[str, str] | None = None, content: bytes | None = None
    ) -> Iterator[httpx.Response]:
        where = parse(address)
        if self._headers:
            self._http.reach.sealed(where)
        kind = {"content-type": "application/xml"} if content else {}
        with self._http.asked(method, address, {**self._headers, **kind, **(headers or {})}, content) as answer:
            if answer.is_redirect:
                raise AddressRefused(f"{where.host} leads elsewhere, and is not followed")
            yield answer
