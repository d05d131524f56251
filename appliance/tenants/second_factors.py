"""The second factor of who signs in with a password: a one-time code of an app, or a recovery code.

The app's secret lies sealed, bound to its user; recovery codes are hashed. A step's code is taken once, and only after
the password was found right: whether the code is missing, wrong or used, the answer is one and the same.
"""

import hmac
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.access.principal import Principal, Role, TenantId
from appliance.audit.service import Audit
from appliance.kit import clock, crypto
from appliance.kit.crypto import Seal
from appliance.kit.errors import Forbidden
from appliance.kit.settings import Settings
from appliance.tenants import repository, totp
from appliance.tenants.errors import CodeNeeded, NoSecondFactor, SecondFactorThere, UserNotFound, WrongCode
from appliance.tenants.keys import may_touch
from appliance.tenants.tables import SecondFactorRow, UserRow

PURPOSE: Final = "totp"
ISSUER: Final = "Appliance"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an app is set up with, and the recovery codes. Shown once."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    recovery_codes: list[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """Whether codes are asked for, and how many recovery codes are left."""

    enrolled: bool
    recovery_codes_left: int


def sealed_by(settings: Settings) -> Seal:
    """What the secrets are sealed with: a file of the installation."""
    return Seal(crypto.kept(settings.layout.secret("totp-key")), PURPOSE)


def enrolled(session: Session, user: UUID) -> bool:
    """Whether this user signs in with codes."""
    query = select(SecondFactorRow.user_id).where(
        SecondFactorRow.user_id == user, SecondFactorRow.confirmed_at.is_not(None)
    )
    return session.execute(query).first() is not None


def spend(session: Session, seal: Seal | None, user: UUID, code: str | None) -> str | None:
    """Use a code up and say of what kind it was; None for who needs none. Raises :class:`CodeNeeded`.

    The row is locked: of two who come with the same code at once, only one is let in.
    """
    row = _row(session, user)
    if row is None or row.confirmed_at is None:
        return None
    if code is None or seal is None:
        raise CodeNeeded
    return _spent(row, seal, totp.typed(code))


def forget(session: Session, user: UUID) -> bool:
    """Take a user's second factor away; whether there was one."""
    row = _row(session, user)
    if row is None:
        return False
    session.delete(row)
    session.flush()
    return True


class Own:
    """The caller's own second factor."""

    def __init__(self, session: Session, by: Principal, seal: Seal) -> None:
        self._session = session
        self._by = by
        self._seal = seal
        self._audit = Audit(session, by.tenant, by.user)

    def show(self) -> SecondFactor:
        """How it stands."""
        row = _row(self._session, self._by.user)
        there = row is not None and row.confirmed_at is not None
        return SecondFactor(there, len(row.recovery) if row is not None and there else 0)

    def enrol(self) -> Enrolment:
        """A new secret and recovery codes, in force once confirmed. Raises :class:`SecondFactorThere`."""
        user = self._person()
        row = _row(self._session, user.id)
        if row is not None and row.confirmed_at is not None:
            raise SecondFactorThere
        secret, codes = totp.new_secret(), totp.recovery_codes()
        if row is None:
            row = SecondFactorRow(user_id=user.id, tenant_id=user.tenant_id)
            self._session.add(row)
        row.secret = self._seal.close(secret, str(user.id))
        row.recovery = [totp.recovery_hash(code) for code in codes]
        self._session.flush()
        self._audit.record("totp.enrol", user.id)
        return Enrolment(totp.shown(secret), totp.uri(secret, user.login, ISSUER), codes)

    def confirm(self, code: str) -> SecondFactor:
        """Put it in force by a first code; the other sessions end. Raises :class:`WrongCode`, and as above."""
        row = _row(self._session, self._by.user)
        if row is None:
            raise NoSecondFactor
        if row.confirmed_at is not None:
            raise SecondFactorThere
        secret = self._seal.open(row.secret, str(row.user_id))
        now = clock.now()
        step = totp.matched(secret, totp.typed(code), totp.step_of(now), row.last_step)
        if step is None:
            raise WrongCode
        row.last_step, row.confirmed_at = step, now
        self._session.flush()
        repository.end_sessions(self._session, row.user_id, now, self._by.session)
        self._audit.record("totp.confirm", row.user_id)
        return SecondFactor(enrolled=True, recovery_codes_left=len(row.recovery))

    def _person(self) -> UserRow:
        user = repository.user(self._session, self._by.tenant, self._by.user, lock=True)
        if user is None:
            raise UserNotFound
        if user.kind != "person":
            raise Forbidden("a service account signs in with keys only")
        return user


def reset(session: Session, tenant: TenantId, user: UUID, by: Principal) -> None:
    """Take away a second factor that was lost; the sessions end. Raises :class:`UserNotFound`, ``Forbidden``.

    Not one's own: that takes the password and a code, so that who found a session open does not get rid of it.
    """
    found = repository.user(session, tenant, user, lock=True)
    if found is None:
        raise UserNotFound
    may_touch(by, Role(found.role))
    if by.user == user or by.scopes is not None:
        raise Forbidden("let another administrator do it, with a key without scopes or in a session")
    if not forget(session, user):
        raise NoSecondFactor
    repository.end_sessions(session, user, clock.now(), None)
    Audit(session, tenant, by.user).record("totp.reset", user)


def _spent(row: SecondFactorRow, seal: Seal, code: str) -> str:
    secret = seal.open(row.secret, str(row.user_id))
    step = totp.matched(secret, code, totp.step_of(clock.now()), row.last_step)
    wanted = totp.recovery_hash(code)
    left = [kept for kept in row.recovery if not hmac.compare_digest(kept, wanted)]
    if step is not None:
        row.last_step = step
        return "code"
    if len(left) < len(row.recovery):
        row.recovery = left
        return "recovery code"
    raise CodeNeeded


def _row(session: Session, user: UUID) -> SecondFactorRow | None:
    query = select(SecondFactorRow).where(SecondFactorRow.user_id == user).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()
