"""The first start: a tenant of the house, its operator, the CLI's key and a one-time sign-in."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from appliance.access.principal import Role, UserId
from appliance.audit.service import Audit
from appliance.tenants import repository, second_factors
from appliance.tenants.errors import UserNotFound
from appliance.tenants.service import Tenants

HOME_TENANT = "home"
OPERATOR_LOGIN = "operator"


@dataclass(frozen=True, slots=True)
class FirstSecrets:
    """Shown and stored once."""

    sign_in: str
    cli_key: str


def first_start(session: Session) -> FirstSecrets | None:
    """Create the first tenant and operator in an operator session; None when there are tenants already."""
    if repository.tenants(session, None, 1):
        return None
    tenants = Tenants(session)
    people = tenants.people(tenants.create(HOME_TENANT).id)
    operator = UserId(people.add(OPERATOR_LOGIN, "Operator", Role.OPERATOR).id)
    return FirstSecrets(people.issue_sign_in(operator), people.issue_key(operator, "cli"))


def reset_sign_in(session: Session, login: str = OPERATOR_LOGIN) -> str:
    """A new one-time sign-in for a login (``sign-in reset``); its codes go. Raises :class:`UserNotFound`.

    Whoever may do this is root on the machine; it is the way back for a last operator who lost the app.
    """
    found = repository.user_by_login(session, login)
    if found is None:
        raise UserNotFound.about(login)
    user, tenant = found
    if second_factors.forget(session, user.id):
        Audit(session, tenant.id, None).record("totp.reset", user.id)
    return Tenants(session).people(tenant.id).issue_sign_in(UserId(user.id))


def new_cli_key(session: Session, login: str = OPERATOR_LOGIN) -> str:
    """A new key for the CLI, when its file was lost."""
    found = repository.user_by_login(session, login)
    if found is None:
        raise UserNotFound.about(login)
    user, tenant = found
    return Tenants(session).people(tenant.id).issue_key(UserId(user.id), "cli")
