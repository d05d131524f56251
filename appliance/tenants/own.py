"""What people change of their own account."""

from sqlalchemy.orm import Session

from appliance.access.principal import Principal
from appliance.audit.service import Audit
from appliance.kit import clock
from appliance.tenants import passwords, repository, sessions
from appliance.tenants.errors import ServiceHasNoPassword, UserNotFound, WrongPassword
from appliance.tenants.sessions import Opened
from appliance.tenants.signing_in import Browser


def change_password(session: Session, by: Principal, former: str, password: str, browser: Browser) -> Opened | None:
    """Set the caller's password, end all sessions; a new one for who came with a session. Raises WrongPassword."""
    row = repository.user(session, by.tenant, by.user, lock=True)
    if row is None:
        raise UserNotFound
    if row.kind == "service":
        raise ServiceHasNoPassword
    if not passwords.matches(row.password_hash, former):
        raise WrongPassword
    row.password_hash = passwords.hashed(password)
    row.version += 1
    session.flush()
    repository.end_sessions(session, by.user, clock.now(), None)
    Audit(session, by.tenant, by.user).record("user.set_password", by.user)
    if by.session is None:
        return None
    return sessions.open_for(session, by.user, "changed password", browser.lives, browser.device)
