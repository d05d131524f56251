"""The browser's session in a cookie, and what proves that a change came from our own page.

The cookie is HttpOnly and SameSite=Strict. Over TLS it is Secure and named ``__Host-…``, which a browser takes from
nobody but this very host. A site is not an origin, though: another port or a sibling name is the same site. So a change
also shows a token in a header, which only a page of ours can have read, and where the browser tells the origin it must
be ours. The token is derived from the session's secret: it ends with it, and is stored nowhere.
"""

import hmac
from typing import TYPE_CHECKING, Final

from appliance.access.errors import CrossSite, NoCsrfToken
from appliance.kit import crypto
from appliance.kit.errors import Unauthenticated

if TYPE_CHECKING:  # processes that serve no page know sessions too
    from starlette.requests import Request
    from starlette.responses import Response

SESSION_PREFIX: Final = "se-"
"""Of every session's secret, and of no other: a session is no key, and a key no session."""
HEADER: Final = "x-csrf-token"
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OVER_TLS, _PLAIN = "__Host-appliance", "appliance"


def csrf(secret: str) -> str:
    """The token that changes of this session carry."""
    return crypto.keyed(secret.encode(), "csrf", b"")


def session_of(request: "Request") -> str | None:
    """The session's secret, from the cookie that is the right one for this connection; None without."""
    found = request.cookies.get(name(request))
    if found is not None and not found.startswith(SESSION_PREFIX):
        message = "the cookie holds no session"
        raise Unauthenticated(message)
    return found


def guard(request: "Request", secret: str) -> None:
    """Raise :class:`CrossSite` or :class:`NoCsrfToken` (403) unless our own page sent this with the session."""
    same_origin(request)
    if request.method not in READING and not _equal(request.headers.get(HEADER, ""), csrf(secret)):
        raise NoCsrfToken


def same_origin(request: "Request") -> None:
    """Raise :class:`CrossSite` (403) when the browser says that another origin's page sent this."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    # A typed address or a bookmark is "none": it reads, and never changes.
    allowed = {None, "same-origin", "none"} if request.method in READING else {None, "same-origin"}
    if site not in allowed or origin not in {None, _own(request)}:
        raise CrossSite


def give(request: "Request", response: "Response", secret: str) -> None:
    """Let the browser keep the session, as long as the browser runs; the server knows when it ends."""
    response.set_cookie(name(request), secret, path="/", secure=_tls(request), httponly=True, samesite="strict")


def take(request: "Request", response: "Response") -> None:
    """Let the browser forget the session."""
    response.delete_cookie(name(request), path="/", secure=_tls(request), httponly=True, samesite="strict")


def _tls(request: "Request") -> bool:
    return bool(request.url.scheme == "https")


def name(request: "Request") -> str:
    """The cookie's name: another one over TLS than in clear, so that neither stands for the other."""
    return _OVER_TLS if _tls(request) else _PLAIN


def _own(request: "Request") -> str:
    return f"{request.url.scheme}://{request.headers.get('host', '')}"


def _equal(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
