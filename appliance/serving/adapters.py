"""Adapters as serving needs them, from the catalogue; and what an engine calls a model version.

An engine-side name carries the digest of what it names, an adapter's also its tenant and its id: no name is ever given
to other weights, for an engine's prefix cache would answer with the former ones.
"""

from collections.abc import Callable, Collection, Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.catalog import adapters
from appliance.catalog.adapters import Adapter
from appliance.catalog.errors import AdapterNotFound
from appliance.catalog.shelf import Shelf
from appliance.kit.database import Database
from appliance.kit.settings import Settings

Adapters = Callable[[Session, Collection[UUID]], Mapping[UUID, Adapter]]
"""The adapters with these ids; what there is not is left out."""


def none(_session: Session, _ids: Collection[UUID]) -> Mapping[UUID, Adapter]:
    """Where there are no adapters."""
    return {}


def of(settings: Settings) -> Adapters:
    """Those of the catalogue."""
    return adapters.known(Shelf(settings.layout.adapters))


def checked(system: Database) -> Callable[[Adapter], None]:
    """Reads every byte of an adapter about to be loaded. Raises ``AdapterNotFound`` when it is not as it was."""

    def check(adapter: Adapter) -> None:
        finding = adapters.inspect(adapter)
        if finding.state != "verified":
            with system.session() as session:
                adapters.record(session, adapter.id, finding)
            raise AdapterNotFound(finding.reason or f"{adapter.name} is {finding.state}")

    return check


def engine_name(name: str, digest: str) -> str:
    """What engines call a model version."""
    return f"{name}@{digest[:12]}"
