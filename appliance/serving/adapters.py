"""Adapters as serving needs them, whoever keeps them; and what an engine calls a version or an adapter.

An engine-side name carries the digest of what it names, an adapter's also its tenant and its id: no name is ever given
to other weights, for an engine's prefix cache would answer with the former ones.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Adapter:
    """LoRA weights of one tenant for exactly one base version. ``usable``: verified and not retired."""

    id: UUID
    tenant: UUID
    name: str
    base: UUID
    digest: str
    directory: Path
    rank: int
    usable: bool = True

    @property
    def engine_name(self) -> str:
        """What engines call it."""
        return f"{self.tenant.hex[-12:]}.{self.id.hex}.{self.digest[:12]}"


Adapters = Callable[[Session, Collection[UUID]], Mapping[UUID, Adapter]]
"""The adapters with these ids; what there is not is left out."""


def known(_session: Session, _ids: Collection[UUID]) -> Mapping[UUID, Adapter]:
    """Those of the catalogue."""
    return {}


def engine_name(name: str, digest: str) -> str:
    """What engines call a model version."""
    return f"{name}@{digest[:12]}"
