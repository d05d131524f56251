"""Who is asking. A Principal is made in one place, ``tenants.service.authenticate``; nothing else builds a TenantId."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType
from uuid import UUID

TenantId = NewType("TenantId", UUID)
UserId = NewType("UserId", UUID)

EVERYONE = "everyone"


class Role(StrEnum):
    """What a user is. Later parts add auditor and editor."""

    OPERATOR = "operator"
    TENANT_ADMIN = "tenant_admin"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated user in one tenant."""

    tenant: TenantId
    user: UserId
    role: Role
    name: str
    key: UUID | None = None
    groups: frozenset[UUID] = field(default_factory=frozenset)

    @property
    def readers(self) -> frozenset[str]:
        """The access list entries that let this principal read: everyone in the tenant, the user, the user's groups."""
        return frozenset({EVERYONE, f"user:{self.user}", *(f"group:{group}" for group in self.groups)})
