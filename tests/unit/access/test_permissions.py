"""The permission table, cell by cell: role × action × own or another's tenant."""

from dataclasses import replace

import pytest

from appliance.access.permissions import ALLOWED, ELSEWHERE, Action, allowed, require
from appliance.access.principal import Principal, Role, TenantId, UserId
from appliance.kit.errors import Forbidden
from appliance.kit.ids import uuid7

# One row an action, one letter a role: x may in the own tenant, X in any tenant.
ROLES = (Role.MEMBER, Role.EDITOR, Role.TENANT_ADMIN, Role.AUDITOR, Role.OPERATOR)
TABLE = {
    Action.ASK: "xxx-x",
    Action.READ_DOCUMENTS: "xxx-x",
    Action.WRITE_DOCUMENTS: "-xx-x",
    Action.MANAGE_COLLECTIONS: "-xx-x",
    Action.MANAGE_ACCESS: "--x-x",
    Action.MANAGE_HOLDS: "--x-x",
    Action.MANAGE_SOURCES: "--x-x",
    Action.PUSH_DOCUMENTS: "--x-x",
    Action.READ_JOBS: "xxx-x",
    Action.READ_ALL_JOBS: "--x-x",
    Action.CANCEL_JOBS: "-xx-x",
    Action.READ_USERS: "--xXX",
    Action.MANAGE_USERS: "--x-X",
    Action.READ_MODELS: "xxxxx",
    Action.MANAGE_MODELS: "----x",
    Action.READ_ADAPTERS: "--x-X",
    Action.MANAGE_ADAPTERS: "--x-X",
    Action.READ_TENANTS: "---XX",
    Action.MANAGE_TENANTS: "----X",
    Action.READ_AUDIT: "---XX",
    Action.MANAGE_LICENCE: "----x",
    Action.PROVISION_USERS: "--x-x",
    Action.READ_USAGE: "--xXX",
    Action.MANAGE_QUOTAS: "--x-X",
    Action.EXPORT_TENANT: "--x-X",
    Action.EXPORT_CONTENT: "--x-x",
}
CELLS = [(role, action, row[ROLES.index(role)]) for action, row in TABLE.items() for role in ROLES]
CONTENT = {
    *(Action.ASK, Action.READ_DOCUMENTS, Action.WRITE_DOCUMENTS, Action.MANAGE_COLLECTIONS, Action.EXPORT_CONTENT),
    Action.MANAGE_ACCESS,
    Action.MANAGE_HOLDS,
    Action.MANAGE_SOURCES,
    Action.PUSH_DOCUMENTS,
}


def _principal(role: Role) -> Principal:
    return Principal(TenantId(uuid7()), UserId(uuid7()), role, "someone")


@pytest.mark.parametrize(("role", "action", "cell"), CELLS)
def test_every_cell(role: Role, action: Action, cell: str) -> None:
    principal = _principal(role)
    for tenant, may in ((None, cell != "-"), (principal.tenant, cell != "-"), (uuid7(), cell == "X")):
        assert allowed(principal, action, tenant) is may
        if may:
            require(principal, action, tenant)
        else:
            with pytest.raises(Forbidden, match=action.replace("_", " ")):
                require(principal, action, tenant)


def test_every_role_and_every_action_has_its_cells() -> None:
    assert set(ALLOWED) == set(ELSEWHERE) == set(Role) == set(ROLES)
    assert set(TABLE) == set(Action)


def test_nobody_reaches_content_of_another_tenant_and_the_auditor_none_at_all() -> None:
    assert not CONTENT & frozenset().union(*ELSEWHERE.values())
    assert not CONTENT & ALLOWED[Role.AUDITOR]


def test_the_auditor_changes_nothing() -> None:
    assert {action for action in ALLOWED[Role.AUDITOR] if not action.startswith("read_")} == set()


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", Role)
def test_scopes_only_ever_take_away(role: Role, action: Action) -> None:
    whole = _principal(role)
    for scope in Action:
        scoped = replace(whole, scopes=frozenset({scope.value}))
        for tenant in (whole.tenant, uuid7()):
            assert allowed(scoped, action, tenant) is (allowed(whole, action, tenant) and scope is action)
    with pytest.raises(Forbidden):
        require(replace(whole, scopes=frozenset()), action)


def test_a_missing_scope_is_told_apart_from_a_missing_role() -> None:
    scoped = replace(_principal(Role.MEMBER), scopes=frozenset({"ask"}))
    with pytest.raises(Forbidden, match="the scopes of this key do not hold read documents"):
        require(scoped, Action.READ_DOCUMENTS)
    with pytest.raises(Forbidden, match="the role member may not manage models"):
        require(scoped, Action.MANAGE_MODELS)


def test_a_list_of_models_names_all_that_may_be_used() -> None:
    principal = _principal(Role.MEMBER)
    assert principal.may_use("any")
    limited = replace(principal, models=frozenset({"small"}))
    assert limited.may_use("small")
    assert not limited.may_use("any")


def test_a_principal_reads_as_everyone_as_itself_and_as_its_groups() -> None:
    group = uuid7()
    tenant, user = TenantId(uuid7()), UserId(uuid7())
    principal = Principal(tenant, user, Role.MEMBER, "someone", groups=frozenset({group}))
    assert principal.readers == {"everyone", f"user:{user}", f"group:{group}"}
