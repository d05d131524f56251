"""Who may read a document: everyone in its tenant, groups, users. Kept as entries such as a Principal has."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID

from appliance.access.principal import EVERYONE

_GROUP: Final = "group:"
_USER: Final = "user:"


@dataclass(frozen=True, slots=True)
class Readers:
    """An access list. Empty: nobody reads it."""

    everyone: bool = False
    groups: frozenset[UUID] = frozenset()
    users: frozenset[UUID] = frozenset()

    @classmethod
    def of(cls, entries: Iterable[str]) -> Self:
        """The list that these entries stand for."""
        found = list(entries)
        return cls(
            EVERYONE in found,
            frozenset(UUID(one.removeprefix(_GROUP)) for one in found if one.startswith(_GROUP)),
            frozenset(UUID(one.removeprefix(_USER)) for one in found if one.startswith(_USER)),
        )

    @property
    def entries(self) -> list[str]:
        """As ``Principal.readers`` names them, in one order for one list."""
        named = [f"{_GROUP}{group}" for group in self.groups] + [f"{_USER}{user}" for user in self.users]
        return sorted([*([EVERYONE] if self.everyone else []), *named])
