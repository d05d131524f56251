"""The permission table: which role may do what. One cell a line; a test walks every cell."""

from enum import StrEnum

from appliance.access.principal import Principal, Role
from appliance.kit.errors import Forbidden


class Action(StrEnum):
    """What can be asked for. ``manage_*`` changes, ``read_*`` shows."""

    ASK = "ask"
    READ_DOCUMENTS = "read_documents"
    WRITE_DOCUMENTS = "write_documents"
    MANAGE_COLLECTIONS = "manage_collections"
    READ_JOBS = "read_jobs"
    CANCEL_JOBS = "cancel_jobs"
    MANAGE_USERS = "manage_users"
    READ_MODELS = "read_models"
    MANAGE_MODELS = "manage_models"
    MANAGE_TENANTS = "manage_tenants"


_MEMBER = frozenset(
    {
        Action.ASK,
        Action.READ_DOCUMENTS,
        Action.WRITE_DOCUMENTS,
        Action.MANAGE_COLLECTIONS,
        Action.READ_JOBS,
        Action.CANCEL_JOBS,
        Action.READ_MODELS,
    }
)

ALLOWED: dict[Role, frozenset[Action]] = {
    Role.MEMBER: _MEMBER,
    Role.TENANT_ADMIN: _MEMBER | {Action.MANAGE_USERS},
    Role.OPERATOR: _MEMBER | {Action.MANAGE_USERS, Action.MANAGE_MODELS, Action.MANAGE_TENANTS},
}


def allowed(principal: Principal, action: Action) -> bool:
    """Whether the table has this cell."""
    return action in ALLOWED[principal.role]


def require(principal: Principal, action: Action) -> None:
    """Raise :class:`Forbidden` (403) unless the table has this cell."""
    if not allowed(principal, action):
        message = f"the role {principal.role} may not {action.replace('_', ' ')}"
        raise Forbidden(message)
