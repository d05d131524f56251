"""Queries on invitations."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from appliance.kit.rows import take_away
from appliance.tenants.tables import InvitationRow as Row
from appliance.tenants.tables import TenantRow

_OPEN: Final = (Row.accepted_at.is_(None), Row.revoked_at.is_(None))


def one(session: Session, tenant: UUID, invitation: UUID, *, lock: bool = False) -> Row | None:
    """One invitation of one tenant."""
    query = select(Row).where(Row.tenant_id == tenant, Row.id == invitation)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def page(
    session: Session, tenant: UUID, after: UUID | None, limit: int, state: str | None, now: datetime
) -> Sequence[Row]:
    """A tenant's invitations by id."""
    query = select(Row).where(Row.tenant_id == tenant).order_by(Row.id).limit(limit)
    if after is not None:
        query = query.where(Row.id > after)
    return session.scalars(query.where(*_in_state(state, now))).all()


def pending_login(session: Session, tenant: UUID, login: str, now: datetime) -> bool:
    """Whether this login is asked in already."""
    query = select(Row.id).where(Row.tenant_id == tenant, Row.login == login, *_in_state("pending", now))
    return session.execute(query).first() is not None


def pending_count(session: Session, now: datetime) -> int:
    """How many were asked in to active tenants and have not come yet, in a system session."""
    query = select(func.count()).select_from(Row).join(TenantRow, TenantRow.id == Row.tenant_id)
    return session.execute(query.where(TenantRow.state == "active", *_in_state("pending", now))).scalar_one()


def whose(session: Session, secret_hash: bytes) -> tuple[UUID, UUID] | None:
    """The tenant and the invitation that have this secret, in a system session."""
    found = session.execute(select(Row.tenant_id, Row.id).where(Row.hash == secret_hash)).one_or_none()
    return found and (found.tenant_id, found.id)


def good(session: Session, tenant: UUID, secret_hash: bytes, now: datetime) -> Row | None:
    """The invitation of this secret if it is good in an active tenant; nobody else has it until the end."""
    query = (
        select(Row)
        .join(TenantRow, TenantRow.id == Row.tenant_id)
        .where(Row.tenant_id == tenant, Row.hash == secret_hash, TenantRow.state == "active")
        .where(*_in_state("pending", now))
        .with_for_update(of=Row)
    )
    return session.scalars(query).one_or_none()


def note_mail(session: Session, tenant: UUID, secret_hash: bytes, state: str) -> None:
    """Note what became of the mail with this secret; nothing where another has taken its place meanwhile."""
    session.execute(update(Row).where(Row.tenant_id == tenant, Row.hash == secret_hash).values(mail_state=state))


def forget(session: Session, ended_before: datetime, most: int) -> int:
    """Delete invitations that ended long ago; how many went. One that is renewed at this moment stays."""
    ended = func.coalesce(Row.accepted_at, Row.revoked_at, Row.expires_at) < ended_before
    return take_away(session, Row.id, ended, most)


def _in_state(state: str | None, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return {
        None: (),
        "pending": (*_OPEN, Row.expires_at > now),
        "expired": (*_OPEN, Row.expires_at <= now),
        "accepted": (Row.accepted_at.is_not(None),),
        "revoked": (Row.revoked_at.is_not(None), Row.accepted_at.is_(None)),
    }[state]
