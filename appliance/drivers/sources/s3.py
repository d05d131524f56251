"""A bucket of S3, or of what speaks its protocol: ListObjectsV2 and GET, signed with AWS's version 4.

Our own forty lines of signing instead of an SDK: an SDK brings its own sockets, and ours go where they were looked at.
"""

import hashlib
import hmac
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, Final
from urllib.parse import quote

import httpx

from appliance.drivers.fetcher import NotFetched, Where, parse
from appliance.drivers.sources import xml
from appliance.drivers.sources.port import Entry, ItemRefused, Skip, SourceUnreachable
from appliance.drivers.sources.reach import Http, Pieces, of_one, unreachable, whole
from appliance.kit import clock

_PAGE: Final = 16 * 1024 * 1024
_OK: Final = 200
_CHANGED: Final = Skip("changed", "It was changed or removed while it was looked at.", how="wait")


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where, and as whom."""

    endpoint: str
    bucket: str
    prefix: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)


class S3:
    """One bucket, or what of it begins with a prefix."""

    def __init__(self, http: Http, bucket: Bucket, page: int = 1000) -> None:
        self._size = page
        self._http = http
        self._bucket = bucket
        self._complete = False

    @property
    def complete(self) -> bool:
        """Whether all pages came."""
        return self._complete

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def check(self) -> str:
        """List one object."""
        found, _ = self._page(None, 1)
        return f"The bucket answers; it holds {'something' if found else 'nothing'} there."

    def entries(self) -> Iterator[Entry]:
        """Every object, page by page."""
        self._complete, token = False, None
        while True:
            found, token = self._page(token, self._size)
            yield from found
            if token is None:
                break
        self._complete = True

    @contextmanager
    def fetch(self, entry: Entry) -> Iterator[BinaryIO]:
        """The object, if it is still the one that was listed."""
        with of_one(), self._asked(f"/{quote(entry.external, safe='/-_.~')}", {}) as answer:
            if answer.status_code != _OK:
                raise ItemRefused(_CHANGED)
            etag = answer.headers.get("etag", "").strip('"')
            if etag and not entry.token.startswith(etag):
                raise ItemRefused(_CHANGED)
            yield io.BufferedReader(Pieces(answer))

    def _page(self, token: str | None, limit: int) -> tuple[list[Entry], str | None]:
        query = {"list-type": "2", "max-keys": str(limit), "prefix": self._bucket.prefix}
        if token is not None:
            query["continuation-token"] = token
        with unreachable(), self._asked("", query) as answer:
            body = whole(answer, _PAGE)
            if answer.status_code != _OK:
                raise SourceUnreachable(f"The bucket cannot be listed: {_reason(body, answer.status_code)}.")
            root = xml.parsed(body)
        found: list[Entry] = []
        for each in root.iterfind("{*}Contents"):
            key, size = each.findtext("{*}Key") or "", each.findtext("{*}Size") or ""
            if not key or key.endswith("/") or not size.isdigit():
                continue  # the mark of a folder that some tools leave
            etag = (each.findtext("{*}ETag") or "").strip('"')
            named = key.removeprefix(self._bucket.prefix).lstrip("/") or key.rpartition("/")[2]
            found.append(Entry(key, named, f"{etag} {size}", int(size)))
        more = root.findtext("{*}IsTruncated") == "true"
        following = root.findtext("{*}NextContinuationToken")
        if more and not following:
            raise SourceUnreachable("The bucket says that there is more, and not how to get it.")
        return found, following if more else None

    @contextmanager
    def _asked(self, path: str, query: dict[str, str]) -> Iterator[httpx.Response]:
        bucket = self._bucket
        canonical = "&".join(f"{quote(name, safe='-_.~')}={quote(query[name], safe='-_.~')}" for name in sorted(query))
        url = f"{bucket.endpoint.rstrip('/')}/{quote(bucket.bucket, safe='-_.~')}{path}"
        where = self._http.reach.sealed(parse(url + (f"?{canonical}" if canonical else "")))
        with self._http.asked("GET", url + (f"?{canonical}" if canonical else ""), signed(where, bucket)) as answer:
            yield answer


def signed(where: Where, bucket: Bucket, method: str = "GET", content: bytes = b"") -> dict[str, str]:
    """The headers that authenticate a request (AWS Signature Version 4, as S3 has it)."""
    at, digest = clock.now().strftime("%Y%m%dT%H%M%SZ"), hashlib.sha256(content).hexdigest()
    headers = {"host": where.authority, "x-amz-content-sha256": digest, "x-amz-date": at}
    names = ";".join(sorted(headers))
    path, _, query = where.target.partition("?")
    lines = [f"{name}:{headers[name]}" for name in sorted(headers)]
    request = "\n".join([method, path, query, *lines, "", names, digest])
    scope = f"{at[:8]}/{bucket.region}/s3/aws4_request"
    told = "\n".join(["AWS4-HMAC-SHA256", at, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{bucket.secret_key}".encode()
    for part in (at[:8], bucket.region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, told.encode(), hashlib.sha256).hexdigest()
    credential = f"{bucket.access_key}/{scope}"
    how = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "authorization": how}


def _reason(body: bytes, status: int) -> str:
    try:
        code = xml.parsed(body).findtext("{*}Code") or ""
    except NotFetched:
        code = ""
    return code if code.isalnum() else f"it answered {status}"
