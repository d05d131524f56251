"""What an export of a tenant holds: the port of ``tenants.exporting``, filled. Columns are named: none slips in."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.audit.reading import of_tenant
from appliance.catalog.shelf import Kept, Shelf
from appliance.entry.gathering import load_tables
from appliance.jobs.registry import Registry
from appliance.kit import clock
from appliance.kit.database import Database, address
from appliance.kit.settings import Settings
from appliance.knowledge import connect
from appliance.tenants import exporting, exports
from appliance.tenants.directory.settings import LdapSettings, OidcSettings
from appliance.tenants.exporting import Files, Line, Part, Tools, table

_LIMITS = (
    *("requests_per_minute", "tokens_per_minute", "tokens_per_day", "tokens_per_month", "concurrent_requests"),
    *("documents", "bytes", "training_seconds_per_month"),
)
_TIMES = ("created_at", "expires_at", "accepted_at", "revoked_at")
_DIRECTORIES = table("directories", ("id", "kind", "settings", "created_at", "changed_at", "synced_at"))
_TOLD = {"oidc": frozenset(OidcSettings.model_fields), "ldap": frozenset(LdapSettings.model_fields)}


def _directories(session: Session, tenant: UUID) -> Iterator[Line]:
    """Without their secrets, which stand sealed in a column of their own; of the settings what has a name too."""
    for line in _DIRECTORIES.lines(session, tenant):
        stored, told = line["settings"], _TOLD[str(line["kind"])]
        kept = stored.items() if isinstance(stored, dict) else ()
        yield {**line, "settings": {name: value for name, value in kept if name in told}}


PARTS: tuple[Part, ...] = (
    table("tenants", ("id", "name", "settings", "state", "created_at")),
    table("users", ("id", "kind", "login", "name", "role", "state", "created_at")),
    table("groups", ("id", "name", "created_at")),
    table("group_members", ("group_id", "user_id")),
    table("api_keys", ("id", "user_id", "name", "scopes", "models", "created_at", "expires_at", "revoked_at")),
    table("invitations", ("id", "login", "name", "role", "group_ids", "mail", *_TIMES, "user_id")),
    table("quotas", ("id", "kind", "subject_id", *_LIMITS, "created_at")),
    Part("directories", _directories),
    table("directory_links", ("id", "kind", "user_id", "group_id", "external", "created_at", "gone_at")),
    table(
        "adapters",
        (
            *("id", "name", "version", "base_id", "digest", "bytes", "rank", "modules", "manifest", "state"),
            *("created_by", "created_at"),
        ),
    ),
    table(
        "usage_records",
        (
            *("request_id", "user_id", "key_id", "route", "model_digest", "adapter_digest", "outcome"),
            *("prompt_tokens", "completion_tokens", "first_token_seconds", "total_seconds", "started_at"),
        ),
    ),
    table("collections", ("id", "name", "readers", "created_at"), content=True),
    table(
        "documents",
        (
            *("id", "collection_id", "name", "state", "readers", "own_readers", "current_revision"),
            *("tags", "history", "held_at", "hold_reason", "created_at", "updated_at"),
        ),
        content=True,
    ),
    table(
        "revisions",
        (
            *("id", "document_id", "number", "sha256", "bytes", "media_type", "title", "language", "pages"),
            *("recognised_lines", "doubtful_lines", "created_at"),
        ),
        content=True,
    ),
    table("glossary_terms", ("id", "term", "expansions", "created_at"), content=True),
    table("conversations", ("id", "user_id", "title", "created_at"), content=True),
    table(
        "messages",
        (
            *("id", "conversation_id", "role", "state", "mode", "language", "content", "sentences", "provenance"),
            *("created_at", "finished_at"),
        ),
        content=True,
    ),
    table(
        "citations",
        (
            *("id", "message_id", "sentence", "document_id", "document_name", "start", "end", "page", "line"),
            *("quote", "confidence", "boxes"),
        ),
        content=True,
    ),
)
LOG = Part("audit", of_tenant)
SLACK = timedelta(days=1)
"""Writing an archive takes no longer: what is older and has no row was left by a killed process."""


def files(settings: Settings) -> dict[str, Files]:
    """A tenant's files, by their directory in the archive."""
    return {"originals": connect.blobs(settings), "adapters": Kept(Shelf(settings.layout.adapters))}


def register(registry: Registry, configured: Callable[[], Settings]) -> None:
    """Add the export of a tenant to the kinds of jobs."""

    @contextmanager
    def workbench() -> Iterator[Tools]:
        load_tables()
        settings = configured()
        app = Database(address(settings, "app"), pool_size=1)
        system = Database(address(settings, "system"), pool_size=1)
        with closing(app), closing(system):
            yield Tools(app, system, PARTS, LOG, files(settings), settings.layout.exports)

    exporting.register(registry, workbench)


def clear(session: Session, settings: Settings) -> None:
    """A chore of the sweep: exports whose time is over go, and archives that are too old to have a row."""
    root = settings.layout.exports
    for tenant, export in exports.over(session):
        exports.place(root, tenant, export).unlink(missing_ok=True)
    oldest = clock.now().timestamp() - (exports.KEPT_FOR + SLACK).total_seconds()
    for path in root.glob("*/*"):
        with suppress(FileNotFoundError):  # another sweep was quicker
            if path.stat().st_mtime < oldest:
                path.unlink()
