"""What people change of their own account."""

from sqlalchemy.orm import Session

from appliance.access.principal import Principal
from appliance.access.web import Databases
from appliance.audit.service import Audit
from appliance.kit import clock
from appliance.tenants import lockout, passwords, repository, sessions
from appliance.tenants.errors import ServiceHasNoPassword, UserNotFound, WrongPassword
from appliance.tenants.lockout import Attempt
from appliance.tenants.sessions import Opened
from appliance.tenants.signing_in import Browser


def try_password_change(
    databases: Databases, attempt: Attempt, by: Principal, words: tuple[str, str], browser: Browser
) -> Opened | None:
    """As :func:`change_password`, counted as a sign-in is: who found a session open must not guess the password by it.

    ``words``: the former password and the new one. Raises ``SignInBlocked`` too; a wrong one is in the audit.
    """
    with databases.system.session() as session:
        lockout.begin(session, attempt)
    try:
        with databases.app.session(by.tenant) as session:
            opened = change_password(session, by, *words, browser)
    except WrongPassword as error:
        with databases.system.session() as session:
            Audit(session, by.tenant, by.user).record("user.set_password", by.user, "refused", code=error.code)
        raise
    with databases.system.session() as session:
        lockout.right(session, attempt)
    return opened


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
