"""Who is asking. A Principal is made in one place, ``tenants.authentication``; nothing else builds a TenantId."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType, Protocol
from uuid import UUID

TenantId = NewType("TenantId", UUID)
UserId = NewType("UserId", UUID)

EVERYONE = "everyone"
ASKING = "asking"
"""In ``Session.info``: the user whose request the transaction is of. Whoever writes for later notes it."""


class Role(StrEnum):
    """What a user is. Operator and auditor are of the appliance, the others of their tenant."""

    OPERATOR = "operator"
    AUDITOR = "auditor"
    TENANT_ADMIN = "tenant_admin"
    EDITOR = "editor"
    MEMBER = "member"

    @property
    def of_the_appliance(self) -> bool:
        """Whether the role reaches past its tenant: only an operator may give it, or touch who has it."""
        return self in (Role.OPERATOR, Role.AUDITOR)


class Adder(Protocol):
    """On whose account something is added: a principal's, or that of whoever set a source up."""

    @property
    def user(self) -> UserId:
        """The user."""
        ...

    @property
    def key(self) -> UUID | None:
        """The key, where it was one."""
        ...


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated user in one tenant, by a key or a session. ``scopes``, ``models``: its limits, None: none."""

    tenant: TenantId
    user: UserId
    role: Role
    name: str
    key: UUID | None = None
    session: UUID | None = None
    groups: frozenset[UUID] = field(default_factory=frozenset)
    scopes: frozenset[str] | None = None
    models: frozenset[str] | None = None
    ends: datetime | None = field(default=None, compare=False)
    """When the credential ends by itself, if it is not used meanwhile."""

    @property
    def readers(self) -> frozenset[str]:
        """The access list entries that let this principal read: everyone in the tenant, the user, the user's groups."""
        return frozenset({EVERYONE, f"user:{self.user}", *(f"group:{group}" for group in self.groups)})

    def may_use(self, model: str) -> bool:
        """Whether the key's list of models names this one, or there is no list."""
        return self.models is None or model in self.models
