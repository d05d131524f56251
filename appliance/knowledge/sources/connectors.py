"""From a source's settings to the connector that reaches it, within what the operator allows its tenant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from uuid import UUID

from appliance.drivers.sources.folder import Folder
from appliance.drivers.sources.imap import Imap, Mailbox
from appliance.drivers.sources.port import Connector
from appliance.drivers.sources.reach import Http, Reach
from appliance.drivers.sources.s3 import S3, Bucket
from appliance.drivers.sources.site import Bounds, Site
from appliance.drivers.sources.webdav import Share, WebDav
from appliance.kit.settings import Settings
from appliance.knowledge.parsing.formats import FORMATS
from appliance.knowledge.sources.errors import FolderNotAllowed, NothingToSync
from appliance.knowledge.sources.settings import (
    AnySettings,
    FolderSettings,
    ImapSettings,
    S3Settings,
    SiteSettings,
    WebDavSettings,
)

ALL = "*"
TYPES = {one.media_type: one.suffixes[0] for one in FORMATS} | {"application/xhtml+xml": ".xhtml"}
"""A suffix by media type, for pages whose address has none."""


@dataclass(frozen=True, slots=True)
class Whose:
    """The tenant, as the operator's settings may name it."""

    id: UUID
    name: str

    def among(self, named: Sequence[str]) -> bool:
        """Whether a list of the settings means it."""
        return not {ALL, self.name, str(self.id)}.isdisjoint(named)


@dataclass(frozen=True, slots=True)
class Opening:
    """What a connector is made of."""

    whose: Whose
    settings: AnySettings
    secret: str | None = field(repr=False, default=None)


def root_of(allowed: Mapping[str, Sequence[str]], whose: Whose, path: str) -> tuple[Path, PurePosixPath]:
    """The allowed directory that a folder lies in, and the rest of the way. Raises FolderNotAllowed."""
    wanted = PurePosixPath(path)
    roots = [PurePosixPath(root) for root, tenants in allowed.items() if whose.among(tenants)]
    found = [root for root in roots if root.is_absolute() and wanted.is_relative_to(root)]
    if not found or ".." in wanted.parts:
        raise FolderNotAllowed
    best = max(found, key=lambda root: len(root.parts))
    return Path(best), wanted.relative_to(best)


def _reach(whose: Whose, configured: Settings) -> Reach:
    """What of the network the tenant's sources may reach."""
    return Reach(frozenset(host.lower() for host, named in configured.sources.hosts.items() if whose.among(named)))


def check(opening: Opening, configured: Settings) -> None:
    """Whether the operator allows it. Raises FolderNotAllowed."""
    if isinstance(opening.settings, FolderSettings):
        root_of(configured.sources.folders, opening.whose, opening.settings.path)


def connect(opening: Opening, configured: Settings) -> Connector:
    """The connector. Raises FolderNotAllowed, NothingToSync."""
    settings = opening.settings
    if isinstance(settings, FolderSettings):
        root, below = root_of(configured.sources.folders, opening.whose, settings.path)
        return Folder(root, below, stable=configured.sources.stable_seconds, modes=settings.modes)
    if isinstance(settings, S3Settings):
        bucket = Bucket(
            endpoint=settings.endpoint,
            bucket=settings.bucket,
            prefix=settings.prefix,
            region=settings.region,
            access_key=settings.access_key,
            secret_key=opening.secret or "",
        )
        return S3(Http(_reach(opening.whose, configured), settings.ca), bucket)
    if isinstance(settings, SiteSettings):
        bounds = Bounds(
            depth=settings.depth,
            pages=settings.pages,
            bytes=settings.megabytes * 1_000_000,
            largest=configured.web.largest_upload,
            hosts=frozenset(host.lower() for host in settings.hosts),
            seconds=settings.milliseconds / 1000,
        )
        http = Http(_reach(opening.whose, configured), settings.ca)
        return Site(http, tuple(settings.start), bounds, configured.layout.spool, TYPES)
    if isinstance(settings, WebDavSettings):
        share = Share(settings.url, settings.user, opening.secret or "")
        return WebDav(Http(_reach(opening.whose, configured), settings.ca), share)
    if isinstance(settings, ImapSettings):
        mailbox = Mailbox(
            host=settings.host,
            port=settings.port or (993 if settings.security == "tls" else 143),
            security=settings.security,
            user=settings.user,
            folders=tuple(settings.folders),
            password=opening.secret or "",
            ca=settings.ca,
        )
        return Imap(_reach(opening.whose, configured), mailbox)
    raise NothingToSync
