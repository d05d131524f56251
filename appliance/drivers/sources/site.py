"""A web site, from its first pages as far as depth, pages, bytes and hosts let the crawl go, and robots.txt allows.

What is fetched while looking is kept in one file without a name, so that nothing is fetched twice. A page that is only
to be reached through one that failed, or beyond a limit, would look gone: the listing is then not complete.
"""

import hashlib
import io
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import urljoin

import httpx
from protego import Protego

from appliance.drivers.fetcher import AddressRefused, NotFetched, parse
from appliance.drivers.sources import links
from appliance.drivers.sources.port import NOT_FETCHED, Entry, Skip, SourceUnreachable
from appliance.drivers.sources.reach import AGENT, Http, Pieces, whole
from appliance.kit import clock

_REDIRECTS: Final = 5
_ROBOTS: Final = 512 * 1024
_PIECE: Final = 1 << 16
_SLOWEST: Final = 30.0
"""Seconds between two requests, however much more a site asks for."""
_GONE: Final = (404, 410)
_HTML: Final = ("text/html", "application/xhtml+xml")

ROBOTS: Final = Skip("robots", "The site's robots.txt or its own word forbids it.", how="drop")
TOO_LARGE: Final = Skip("file_too_large", "The page is larger than this appliance takes.")
REFUSED: Final = Skip("address_refused", "It lies at, or leads to, an address that may not be reached.", how="drop")
AWAY: Final = Skip("off_site", "It leads to another site.", how="drop")
FAILED: Final = Skip(NOT_FETCHED, "It could not be fetched; the next sync tries again.", how="fail")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a crawl goes. ``hosts``: beside those of the first pages; ``seconds``: between two requests to a host."""

    depth: int
    pages: int
    bytes: int
    largest: int
    hosts: frozenset[str] = frozenset()
    seconds: float = 0.5


@dataclass(frozen=True, slots=True)
class _Got:
    """What came: where it came from in the end, and where it lies in the file."""

    address: str
    kind: str
    at: int
    size: int
    sha256: str


class _NotTaken(Exception):
    def __init__(self, skip: Skip | None) -> None:
        super().__init__(skip.code if skip else "gone")
        self.skip = skip


@dataclass
class Site:
    """One crawl."""

    http: Http
    first: tuple[str, ...]
    bounds: Bounds
    spool: Path | None = None
    types: dict[str, str] = field(default_factory=dict)
    """A suffix by media type, for what has none of its own in its address."""

    def __post_init__(self) -> None:
        self.first = tuple(one for one in map(links.normal, self.first) if one)
        self._kept = tempfile.TemporaryFile(dir=self.spool)  # noqa: SIM115 - closed in close
        self._places: dict[str, tuple[int, int]] = {}
        self._robots: dict[str, Protego | None] = {}
        self._next: dict[str, float] = {}
        self._hosts = self.bounds.hosts | {parse(one).host for one in self.first}
        self._complete = False

    @property
    def complete(self) -> bool:
        """Whether no limit was met and nothing failed."""
        return self._complete

    def close(self) -> None:
        """Let go of connections and pages."""
        self.http.close()
        self._kept.close()

    def check(self) -> str:
        """Fetch the first page."""
        try:
            got = self._get(self.first[0])
        except _NotTaken as error:
            why = error.skip.reason if error.skip else "It is not there."
            raise SourceUnreachable(f"{self.first[0]}: {why}") from error
        return f"The first page came: {got.size} bytes of {got.kind}."

    @contextmanager
    def fetch(self, entry: Entry) -> Iterator[BinaryIO]:
        """What came when it was looked at."""
        at, size = self._places[entry.external]
        self._kept.seek(at)
        yield io.BytesIO(self._kept.read(size))

    def entries(self) -> Iterator[Entry]:
        """Breadth first."""
        self._complete, whole_, pages, failed, got_any = False, True, 0, False, False
        waiting = deque((one, 0) for one in dict.fromkeys(self.first))
        known, told = set(self.first), set[str]()
        while waiting:
            address, depth = waiting.popleft()
            if pages >= self.bounds.pages or self._kept.seek(0, io.SEEK_END) >= self.bounds.bytes:
                whole_ = False
                break
            pages += 1
            try:
                got = self._get(address)
            except _NotTaken as error:
                failed = failed or (error.skip is not None and error.skip.how == "fail")
                if error.skip is not None and address not in told:
                    told.add(address)
                    yield Entry(address, self._name(address, "text/html"), "", skip=error.skip)
                continue
            got_any = True
            page = self._page(got)
            if got.address not in told:
                told.add(got.address)
                known.add(got.address)
                yield self._entry(got, None if page.index else ROBOTS)
            for link in page.links if depth < self.bounds.depth else ():
                if link not in known and parse(link).host in self._hosts:
                    known.add(link)
                    waiting.append((link, depth + 1))
        if failed and not got_any:
            raise SourceUnreachable("No page could be fetched.")
        self._complete = whole_ and not failed

    def _page(self, got: _Got) -> links.Page:
        if got.kind not in _HTML:
            return links.Page()
        self._kept.seek(got.at)
        return links.read(self._kept.read(min(got.size, links.MOST_BYTES)), got.address)

    def _entry(self, got: _Got, skip: Skip | None) -> Entry:
        self._places[got.address] = (got.at, got.size)
        return Entry(got.address, self._name(got.address, got.kind), got.sha256, got.size, skip=skip)

    def _name(self, address: str, kind: str) -> str:
        """``host/path``, with the suffix that its media type has where the address has another."""
        name = address.partition("://")[2].rstrip("/")
        suffix = self.types.get(kind, "")
        known = name.lower().endswith((*self.types.values(), ".htm", ".xhtml", ".md", ".txt"))
        return name if known and "/" in name else name + suffix

    def _get(self, address: str) -> _Got:
        """Fetch, and follow redirects, each looked at anew. Raises _NotTaken."""
        try:
            for _ in range(_REDIRECTS + 1):
                if parse(address).host not in self._hosts:
                    raise _NotTaken(AWAY)
                if not self._may(address):
                    raise _NotTaken(ROBOTS)
                with self.http.asked("GET", address, {"accept": "text/html,*/*;q=0.5"}) as answer:
                    if not answer.is_redirect:
                        return self._taken(address, answer)
                    following = links.normal(urljoin(address, answer.headers.get("location", "")))
                if following is None:
                    raise _NotTaken(REFUSED)
                address = following
        except AddressRefused as error:
            raise _NotTaken(REFUSED) from error
        except NotFetched as error:
            raise _NotTaken(FAILED) from error
        raise _NotTaken(FAILED)

    def _taken(self, address: str, answer: httpx.Response) -> _Got:
        if answer.status_code in _GONE:
            raise _NotTaken(None)
        if not answer.is_success:
            raise _NotTaken(FAILED)
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if "noindex" in answer.headers.get("x-robots-tag", "").lower():
            raise _NotTaken(ROBOTS)
        at, size, digest = self._kept.seek(0, io.SEEK_END), 0, hashlib.sha256()
        reader = io.BufferedReader(Pieces(answer))
        while piece := reader.read(_PIECE):
            size += len(piece)
            if size > self.bounds.largest or at + size > self.bounds.bytes:
                self._kept.truncate(at)
                raise _NotTaken(TOO_LARGE if size > self.bounds.largest else FAILED)
            digest.update(piece)
            self._kept.write(piece)
        return _Got(address, kind, at, size, digest.hexdigest())

    def _may(self, address: str) -> bool:
        """Whether robots.txt lets us; waits for our turn. RFC 9309: none there allows all, none to be had nothing.

        Raises _NotTaken.
        """
        where = parse(address)
        site = f"{where.scheme}://{where.authority}"
        if site not in self._robots:
            self._robots[site] = self._rules(f"{site}/robots.txt")
        rules = self._robots[site]
        if rules is None:
            raise _NotTaken(FAILED)
        if not rules.can_fetch(address, AGENT):
            return False
        pause = min(max(self.bounds.seconds, float(rules.crawl_delay(AGENT) or 0)), _SLOWEST)
        time.sleep(max(0.0, self._next.get(site, 0.0) - clock.monotonic()))
        self._next[site] = clock.monotonic() + pause
        return True

    def _rules(self, address: str) -> Protego | None:
        for _ in range(_REDIRECTS + 1):
            with self.http.asked("GET", address) as answer:
                if answer.is_success:
                    return Protego.parse(whole(answer, _ROBOTS).decode("utf-8", "replace"))
                if not answer.is_redirect:
                    return Protego.parse("") if answer.is_client_error else None
                following = links.normal(urljoin(address, answer.headers.get("location", "")))
            if following is None or parse(following).host not in self._hosts:
                return Protego.parse("")
            address = following
        return None
