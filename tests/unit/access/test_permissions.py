"""The permission table, cell by cell."""

import pytest

from appliance.access.permissions import ALLOWED, Action, allowed, require
from appliance.access.principal import Principal, Role, TenantId, UserId
from appliance.kit.errors import Forbidden
from appliance.kit.ids import uuid7

FORBIDDEN = {
    (Role.MEMBER, Action.MANAGE_USERS),
    (Role.MEMBER, Action.MANAGE_MODELS),
    (Role.MEMBER, Action.MANAGE_TENANTS),
    (Role.TENANT_ADMIN, Action.MANAGE_MODELS),
    (Role.TENANT_ADMIN, Action.MANAGE_TENANTS),
}


def _principal(role: Role) -> Principal:
    return Principal(TenantId(uuid7()), UserId(uuid7()), role, "someone")


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", Role)
def test_every_cell(role: Role, action: Action) -> None:
    principal = _principal(role)
    if (role, action) in FORBIDDEN:
        assert not allowed(principal, action)
        with pytest.raises(Forbidden, match=action.replace("_", " ")):
            require(principal, action)
    else:
        assert allowed(principal, action)
        require(principal, action)


def test_every_role_has_a_row() -> None:
    assert set(ALLOWED) == set(Role)


def test_a_principal_reads_as_everyone_as_itself_and_as_its_groups() -> None:
    group = uuid7()
    tenant, user = TenantId(uuid7()), UserId(uuid7())
    principal = Principal(tenant, user, Role.MEMBER, "someone", groups=frozenset({group}))
    assert principal.readers == {"everyone", f"user:{user}", f"group:{group}"}
