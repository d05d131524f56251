"""ETags: the count of a row's changes. A change names the count that it was made for, so none is lost unseen."""

from appliance.tenants.errors import ChangedMeanwhile, IfMatchMissing


def tag(version: int) -> str:
    """The ETag of a version."""
    return f'"{version}"'


def check(version: int, if_match: str | None) -> None:
    """Raise :class:`IfMatchMissing` (428) or :class:`ChangedMeanwhile` (412) unless the header names this version.

    A weak tag never matches (RFC 9110 §13.1.1), and ``*`` matches whatever there is.
    """
    if if_match is None or not if_match.strip():
        raise IfMatchMissing
    if not {tag(version), "*"} & {part.strip() for part in if_match.split(",")}:
        raise ChangedMeanwhile
