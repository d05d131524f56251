"""From a source's settings to the connector that reaches it, within what the operator allows its tenant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from uuid import UUID

from appliance.drivers.sources.folder import Folder
from appliance.drivers.sources.port import Connector
from appliance.kit.settings import Settings
from appliance.knowledge.sources.errors import FolderNotAllowed, NothingToSync
from appliance.knowledge.sources.settings import AnySettings, FolderSettings

ALL = "*"


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
    raise NothingToSync
