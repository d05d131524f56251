"""The permission table: which role may do what, in its own tenant and in another's. A test walks every cell.

A key may have scopes: names of actions. It may then do what its user's role may and its scopes name, and nothing else.
"""

from enum import StrEnum
from uuid import UUID

from appliance.access.errors import EnrolFirst
from appliance.access.principal import Principal, Role
from appliance.kit.errors import Forbidden


class Action(StrEnum):
    """What can be asked for. ``manage_*`` changes, ``read_*`` shows."""

    ASK = "ask"
    READ_DOCUMENTS = "read_documents"
    WRITE_DOCUMENTS = "write_documents"
    MANAGE_COLLECTIONS = "manage_collections"
    MANAGE_ACCESS = "manage_access"
    MANAGE_HOLDS = "manage_holds"
    MANAGE_SOURCES = "manage_sources"
    PUSH_DOCUMENTS = "push_documents"
    READ_JOBS = "read_jobs"
    READ_ALL_JOBS = "read_all_jobs"
    CANCEL_JOBS = "cancel_jobs"
    READ_USERS = "read_users"
    MANAGE_USERS = "manage_users"
    READ_MODELS = "read_models"
    MANAGE_MODELS = "manage_models"
    READ_ADAPTERS = "read_adapters"
    MANAGE_ADAPTERS = "manage_adapters"
    READ_TENANTS = "read_tenants"
    MANAGE_TENANTS = "manage_tenants"
    READ_AUDIT = "read_audit"
    EXPORT_TENANT = "export_tenant"
    EXPORT_CONTENT = "export_content"
    MANAGE_LICENCE = "manage_licence"
    PROVISION_USERS = "provision_users"
    READ_USAGE = "read_usage"
    MANAGE_QUOTAS = "manage_quotas"


ENROL = frozenset({"enrol"})
"""The scopes of who must set a second factor up first: no action, so that all are refused. No key is made with them."""

_MEMBER = frozenset({Action.ASK, Action.READ_DOCUMENTS, Action.READ_JOBS, Action.READ_MODELS})
_EDITOR = _MEMBER | {Action.WRITE_DOCUMENTS, Action.MANAGE_COLLECTIONS, Action.CANCEL_JOBS}
_TENANT_ADMIN = _EDITOR | {
    Action.MANAGE_ACCESS,
    Action.MANAGE_HOLDS,
    Action.READ_ALL_JOBS,
    Action.MANAGE_SOURCES,
    Action.PUSH_DOCUMENTS,
    Action.READ_USERS,
    Action.MANAGE_USERS,
    Action.READ_ADAPTERS,
    Action.MANAGE_ADAPTERS,
    Action.PROVISION_USERS,
    Action.READ_USAGE,
    Action.MANAGE_QUOTAS,
    Action.EXPORT_TENANT,
    Action.EXPORT_CONTENT,
}
# No content: no documents and no answers; no jobs either, whose events name files and quote what a parser met.
_AUDITOR = frozenset({Action.READ_MODELS, Action.READ_TENANTS, Action.READ_USERS, Action.READ_AUDIT, Action.READ_USAGE})
_OPERATOR = _TENANT_ADMIN | {
    Action.MANAGE_MODELS,
    Action.READ_TENANTS,
    Action.MANAGE_TENANTS,
    Action.MANAGE_LICENCE,
    Action.READ_AUDIT,
}

ALLOWED: dict[Role, frozenset[Action]] = {
    Role.MEMBER: _MEMBER,
    Role.EDITOR: _EDITOR,
    Role.TENANT_ADMIN: _TENANT_ADMIN,
    Role.AUDITOR: _AUDITOR,
    Role.OPERATOR: _OPERATOR,
}

ELSEWHERE: dict[Role, frozenset[Action]] = {
    Role.MEMBER: frozenset(),
    Role.EDITOR: frozenset(),
    Role.TENANT_ADMIN: frozenset(),
    Role.AUDITOR: frozenset({Action.READ_TENANTS, Action.READ_USERS, Action.READ_AUDIT, Action.READ_USAGE}),
    Role.OPERATOR: frozenset(
        {
            Action.READ_TENANTS,
            Action.MANAGE_TENANTS,
            Action.READ_USERS,
            Action.MANAGE_USERS,
            Action.READ_AUDIT,
            Action.READ_ADAPTERS,
            Action.MANAGE_ADAPTERS,
            Action.READ_USAGE,
            Action.MANAGE_QUOTAS,
            Action.EXPORT_TENANT,
        }
    ),
}
"""What a role may do in a tenant that is not its own: never anything with content."""


def allowed(principal: Principal, action: Action, tenant: UUID | None = None) -> bool:
    """Whether the table has this cell (``tenant`` None: the principal's own), and the key's scopes name the action."""
    table = ALLOWED if tenant in (None, principal.tenant) else ELSEWHERE
    return action in table[principal.role] and (principal.scopes is None or action in principal.scopes)


def require(principal: Principal, action: Action, tenant: UUID | None = None) -> None:
    """Raise :class:`Forbidden` (403) unless :func:`allowed`."""
    if allowed(principal, action, tenant):
        return
    if principal.scopes == ENROL:
        raise EnrolFirst
    what = action.replace("_", " ")
    if action in ALLOWED[principal.role] and principal.scopes is not None and action not in principal.scopes:
        raise Forbidden(f"the scopes of this key do not hold {what}")
    raise Forbidden(f"the role {principal.role} may not {what}")
