"""Queries on licence files and the clock."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance.licensing.tables import ClockRow, LicenceFileRow, RevocationFileRow


def current(session: Session) -> LicenceFileRow | None:
    """The licence file that was accepted last."""
    return session.scalars(select(LicenceFileRow).order_by(LicenceFileRow.id.desc()).limit(1)).one_or_none()


def newest_list(session: Session) -> RevocationFileRow | None:
    """The list of revocations with the highest sequence."""
    query = select(RevocationFileRow).order_by(RevocationFileRow.sequence.desc()).limit(1)
    return session.scalars(query).one_or_none()


def clock(session: Session) -> ClockRow | None:
    """The clock's row, locked: of two processes one looks after the other, in the order of their readings."""
    query = select(ClockRow).with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def first_clock(session: Session, **values: object) -> ClockRow:
    """Make the clock's row unless another process was quicker; locked."""
    session.execute(insert(ClockRow).values(id=1, **values).on_conflict_do_nothing())
    found = clock(session)
    if found is None:
        raise LookupError("the clock's row was not made")
    return found
