"""SCIM tokens: keys of a service account that may provision and nothing else. They rotate and end as all keys do."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.permissions import Action
from appliance.access.principal import Principal, Role
from appliance.tenants import repository
from appliance.tenants.keys import Issued, Limits
from appliance.tenants.service import Tenants

SCOPES = frozenset({Action.PROVISION_USERS.value})


def account(tenant: UUID) -> str:
    """The login of the service account; logins are unique in the whole appliance."""
    return f"scim-{tenant}"


def issue(session: Session, by: Principal, tenant: UUID, name: str, expires_at: datetime | None) -> Issued:
    """A new token; its account is made with the first. Raises ``Forbidden`` when the caller's key may do less."""
    tenants = Tenants(session, by)
    people = tenants.people(tenant)
    found = repository.user_by_login(session, account(tenant))
    user = (
        found[0].id if found else people.add(account(tenant), "Directory (SCIM)", Role.TENANT_ADMIN, None, "service").id
    )
    return tenants.keys(tenant).create(user, name, Limits(scopes=SCOPES, expires_at=expires_at))
