"""Everything that a tenant has anywhere, and who removes it: the port of ``tenants.forgetting``, filled.

A new tenant table is one word in :data:`ROWS` (children before what they refer to), or a reason in
``migrations.policies.KEPT``. What stands outside the database is a ``Things`` in :func:`forgetters`.
"""

import functools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.audit.reading import count_of
from appliance.catalog.shelf import Shelf, Weights
from appliance.drivers.vectors.port import Reader
from appliance.drivers.vectors.remote import RemoteVectors
from appliance.entry.gathering import load_tables
from appliance.jobs.job import Ending
from appliance.jobs.registry import Registry
from appliance.jobs.stopping import stop
from appliance.kit import crypto
from appliance.kit.database import Database, address
from appliance.kit.settings import Settings
from appliance.kit.wire import Client
from appliance.knowledge import connect
from appliance.knowledge.leaving import Vectors
from appliance.knowledge.originals import Originals
from appliance.tenants import deleting
from appliance.tenants.certificate import SECRET, Signer
from appliance.tenants.deleting import Tools
from appliance.tenants.exporting import Archives
from appliance.tenants.forgetting import Emptied, Forgetter, late
from appliance.usage import journal

CONTENT = (
    "citations",
    "messages",
    "conversations",
    "chunks",
    "revisions",
    "source_log",
    "source_items",
    "sources",
    "documents",
    "batches",
    "retention_runs",
    "collections",
    "term_statistics",
    "corpus_statistics",
    "glossary_terms",
)
"""Emptied first: afterwards nothing is left that the index or a file belongs to."""

ROWS = (
    *CONTENT,
    "route_tenants",
    "adapters",
    "tenant_exports",
    "quota_leases",
    "quota_windows",
    "quota_stock",
    "quota_stock_sums",
    "quotas",
    "usage_hours",
    "usage_records",
    "job_events",
    "jobs",
    "idempotency_keys",
    "sign_ins",
    "invitations",
    "user_sessions",
    "second_factors",
    "api_keys",
    "directory_links",
    "directories",
    "group_members",
    "groups",
    "users",
)
"""Tables that a deletion empties, in this order: rows go before the rows that they refer to."""

ELSEWHERE = {"index_outbox": "the index prunes it once it has durably forgotten the vectors"}
"""Tenant tables that another forgetter than ``Emptied`` sees to."""


def forgetters(settings: Settings, system: Database, reader: Reader, compact: Callable[[], object]) -> list[Forgetter]:
    """All of them, in order."""
    return [
        *(Emptied(name) for name in CONTENT),
        Vectors(system, reader, compact, time.sleep),
        Originals(connect.blobs(settings)),
        Archives(settings.layout.exports),
        Weights(Shelf(settings.layout.adapters)),
        *(Emptied(name) for name in ROWS if name not in CONTENT),
    ]


def late_rows(session: Session) -> int:
    """A chore of the sweep: what was written for a deleted tenant by who had begun before."""
    load_tables()
    return late(session, (*ROWS, *ELSEWHERE))


def register(registry: Registry, configured: Callable[[], Settings]) -> None:
    """Add the deletion of a tenant to the kinds of jobs."""

    @contextmanager
    def workbench() -> Iterator[Tools]:
        load_tables()
        settings = configured()
        system = Database(address(settings, "system"), pool_size=1)
        line = Client(settings.layout.index_socket)
        with closing(system), closing(line):
            yield tools(settings, system, RemoteVectors(line), lambda: line.call("compact"), registry.endings)

    deleting.register(registry, workbench)


def tools(
    settings: Settings,
    system: Database,
    reader: Reader,
    compact: Callable[[], object],
    endings: Mapping[str, Ending],
) -> Tools:
    """What a deletion works with."""
    return Tools(
        system=system,
        quiet=(
            functools.partial(_jobs, endings=endings),
            functools.partial(_journal, settings=settings),
        ),
        forgetters=forgetters(settings, system, reader, compact),
        signer=Signer(crypto.kept(settings.layout.secret(SECRET))),
        kept=lambda session, tenant: {"audit_entries": count_of(session, tenant)},
    )


def _jobs(session: Session, tenant: UUID, *, endings: Mapping[str, Ending]) -> str | None:
    return "jobs of the tenant run to their end" if stop(session, tenant, endings) else None


def _journal(_session: Session, tenant: UUID, *, settings: Settings) -> str | None:
    return "usage of the tenant is on its way" if journal.holds(settings.layout.journal, tenant) else None
