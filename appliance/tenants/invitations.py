"""Invitations: a person is asked in with a role and groups, by a link that is good once.

The link's secret is 256 random bits of which only the SHA-256 is kept. It stands in the link's fragment, which browsers
send to nobody. A seat is looked for when somebody is invited, those who have not come yet counted in, and taken when
the person comes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import Principal, Role, TenantId
from appliance.access.web import Databases
from appliance.audit.service import Audit
from appliance.kit import clock, crypto, paging
from appliance.kit.errors import ApplianceError, Forbidden
from appliance.tenants import invited, lockout, repository
from appliance.tenants.errors import (
    GroupNotFound,
    InvitationNotFound,
    InvitationNotValid,
    InvitationOver,
    InvitedAlready,
    NameTaken,
)
from appliance.tenants.groups import Groups
from appliance.tenants.keys import may_touch
from appliance.tenants.lockout import Guess
from appliance.tenants.people import People
from appliance.tenants.room import Room
from appliance.tenants.tables import InvitationRow

LIFE: Final = timedelta(days=7)
PREFIX: Final = "iv-"


@dataclass(frozen=True, slots=True)
class Wish:
    """Who is to come. ``mail``: where the link is sent, None for nowhere."""

    login: str
    name: str
    role: Role
    groups: frozenset[UUID] = frozenset()
    mail: str | None = None


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation as callers see it, never with its secret. ``state``: pending, accepted, revoked or expired."""

    id: UUID
    tenant_id: UUID
    login: str
    name: str
    role: Role
    groups: tuple[UUID, ...]
    mail: str | None
    mail_state: str
    state: str
    created_at: datetime
    expires_at: datetime
    user_id: UUID | None


@dataclass(frozen=True, slots=True)
class Issued:
    """An invitation with its secret, which is seen this once."""

    invitation: Invitation
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Coming:
    """What a person shows and chooses. ``name`` None: as it was written in the invitation."""

    secret: str = field(repr=False)
    password: str = field(repr=False)
    name: str | None = None


class Invitations:
    """The invitations of one tenant. ``by`` None is the appliance itself."""

    def __init__(
        self, session: Session, tenant: TenantId, audit: Audit, by: Principal | None = None, room: Room | None = None
    ) -> None:
        self._session = session
        self._tenant = tenant
        self._audit = audit
        self._by = by
        self._room = room

    def invite(self, wish: Wish, life: timedelta = LIFE) -> Issued:
        """Ask a person in.

        Raises :class:`NameTaken`, :class:`InvitedAlready`, :class:`GroupNotFound`; ``Forbidden`` for a role that the
        caller may not give, or from a key with scopes; ``NotLicensed``, ``LimitReached`` without a seat for all who
        are asked in.
        """
        self._may_give(wish.role)
        self._known(wish.groups)
        now = clock.now()
        self._place(wish.login, now)
        row = InvitationRow(
            tenant_id=self._tenant,
            login=wish.login,
            name=wish.name,
            role=wish.role.value,
            group_ids=sorted(wish.groups),
            mail=wish.mail,
        )
        secret = _new_link(row, now + life)
        self._session.add(row)
        self._session.flush()
        self._audit.record("invitation.create", row.id, role=row.role, groups=len(wish.groups), mail=bool(wish.mail))
        return Issued(view(row), secret)

    def list(self, cursor: str | None, limit: int, state: str | None = None) -> paging.Page[Invitation]:
        """A page of invitations, or of those in one state."""
        rows = invited.page(self._session, self._tenant, paging.decode(cursor), limit + 1, state, clock.now())
        return paging.page([view(row) for row in rows], limit, [row.id for row in rows])

    def show(self, invitation: UUID) -> Invitation:
        """One invitation. Raises :class:`InvitationNotFound`."""
        return view(self._one(invitation))

    def revoke(self, invitation: UUID) -> Invitation:
        """Let the link lead nowhere; harmless to repeat. Raises :class:`InvitationOver` once somebody came by it."""
        row = self._one(invitation, lock=True)
        may_touch(self._by, Role(row.role))
        if row.accepted_at is not None:
            raise InvitationOver
        if row.revoked_at is None:
            row.revoked_at = clock.now()
            self._session.flush()
            self._audit.record("invitation.revoke", row.id)
        return view(row)

    def resend(self, invitation: UUID, life: timedelta = LIFE) -> Issued:
        """A new link for the same person; the former one leads nowhere. Raises :class:`InvitationOver`, as invite."""
        row = self._one(invitation, lock=True)
        self._may_give(Role(row.role))
        if row.accepted_at is not None or row.revoked_at is not None:
            raise InvitationOver
        now = clock.now()
        if row.expires_at <= now:
            self._place(row.login, now)
        secret = _new_link(row, now + life)
        self._session.flush()
        self._audit.record("invitation.resend", row.id)
        return Issued(view(row), secret)

    def _may_give(self, role: Role) -> None:
        may_touch(self._by, role)
        if self._by is not None and self._by.scopes is not None:  # by the link one signs in, and has all of the role
            raise Forbidden("a key with scopes may not invite")

    def _place(self, login: str, now: datetime) -> None:
        """A seat, whose lock makes those who invite wait for each other, and then a login that is nobody's."""
        if self._room is not None:
            self._room.guest(self._session)
        if repository.user_by_login(self._session, login):
            raise NameTaken.about(login)
        if invited.pending_login(self._session, self._tenant, login, now):
            raise InvitedAlready

    def _known(self, groups: frozenset[UUID]) -> None:
        if any(repository.group(self._session, self._tenant, group) is None for group in groups):
            raise GroupNotFound

    def _one(self, invitation: UUID, *, lock: bool = False) -> InvitationRow:
        row = invited.one(self._session, self._tenant, invitation, lock=lock)
        if row is None:
            raise InvitationNotFound
        return row


def forget(session: Session, after: timedelta, most: int = 1000) -> int:
    """Delete up to ``most`` invitations that ended so long ago, of all tenants. For the ``system`` login."""
    return invited.forget(session, clock.now() - after, most)


def _new_link(row: InvitationRow, expires_at: datetime) -> str:
    """Give the invitation another secret, which is returned, and its mail another life."""
    secret = crypto.token(PREFIX)
    row.hash, row.expires_at = crypto.digest(secret), expires_at
    row.mail_state = "waiting" if row.mail else "none"
    return secret


def try_accept(databases: Databases, room: Room, coming: Coming, source: str | None) -> str:
    """As :func:`accept`, counted by source, apart from sign-ins: raises ``SignInBlocked`` too."""
    guess = Guess(source)
    with databases.system.session() as session:
        lockout.begin(session, guess)
    try:
        login = accept(databases, room, coming)
    except InvitationNotValid:
        raise
    except ApplianceError:
        _good(databases, guess)  # the secret was
        raise
    _good(databases, guess)
    return login


def _good(databases: Databases, guess: Guess) -> None:
    with databases.system.session() as session:
        lockout.right(session, guess)


def accept(databases: Databases, room: Room, coming: Coming) -> str:
    """Let a person in by a link: the login that was made.

    Everything happens in one transaction of the app login for the one tenant, so of two who come by the same link the
    second finds it used. Raises :class:`InvitationNotValid`, word for word the same for a link that is unknown, used,
    revoked or over, or whose tenant is suspended; :class:`NameTaken`, ``LimitReached``, and then the link stays good.
    """
    with databases.system.session() as looking:
        found = invited.whose(looking, crypto.digest(coming.secret))
    if found is None:
        raise InvitationNotValid
    tenant, invitation = found
    try:
        return _let_in(databases, room, coming, tenant)
    except ApplianceError as refused:
        with databases.system.session() as session:
            Audit(session, tenant, None).record("invitation.accept", invitation, outcome="refused", code=refused.code)
        raise


def _let_in(databases: Databases, room: Room, coming: Coming, tenant: UUID) -> str:
    with databases.app.session(tenant) as session:
        row = invited.good(session, tenant, crypto.digest(coming.secret), clock.now())
        if row is None:
            raise InvitationNotValid
        audit = Audit(session, tenant, None)
        people = People(session, TenantId(tenant), audit, None, room)
        user = people.add(row.login, coming.name or row.name, Role(row.role), coming.password)
        _into_groups(Groups(session, TenantId(tenant), audit), row.group_ids, user.id)
        row.accepted_at = clock.now()
        row.user_id = user.id
        session.flush()
        Audit(session, tenant, user.id).record("invitation.accept", row.id)
        return user.login


def _into_groups(groups: Groups, wanted: Sequence[UUID], user: UUID) -> None:
    for group in wanted:
        try:
            groups.add(group, user)
        except GroupNotFound:
            continue  # deleted since


def view(row: InvitationRow) -> Invitation:
    """The row as callers see it."""
    return Invitation(
        row.id,
        row.tenant_id,
        row.login,
        row.name,
        Role(row.role),
        tuple(row.group_ids),
        row.mail,
        row.mail_state,
        _state(row, clock.now()),
        row.created_at,
        row.expires_at,
        row.user_id,
    )


def _state(row: InvitationRow, now: datetime) -> str:
    if row.accepted_at is not None:
        return "accepted"
    if row.revoked_at is not None:
        return "revoked"
    return "pending" if row.expires_at > now else "expired"
