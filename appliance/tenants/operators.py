"""The appliance is never left without an operator who can sign in.

Whoever suspends or demotes takes one lock for the whole appliance first: of two who each take away one of the last two
operators, the second counts what the first has left.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from appliance.access.principal import Role
from appliance.tenants.errors import LastOperator
from appliance.tenants.tables import TenantRow, UserRow

_LOCK = 0x0B5E7A70
"""Any number that nobody else locks."""


@contextmanager
def one_stays(session: Session) -> Iterator[None]:
    """Raise :class:`LastOperator` when what is done inside takes away the last active operator."""
    session.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    before = _count(session)
    yield
    session.flush()
    if before and not _count(session):
        raise LastOperator


def _count(session: Session) -> int:
    """Active people with the role in active tenants; a service account cannot sign in to put things right."""
    query = (
        select(func.count())
        .select_from(UserRow)
        .join(TenantRow, TenantRow.id == UserRow.tenant_id)
        .where(UserRow.role == Role.OPERATOR, UserRow.kind == "person")
        .where(UserRow.state == "active", TenantRow.state == "active")
    )
    return session.execute(query).scalar_one()
