"""Room for one more: tenants and seats counted against the licence, by one at a time for the whole appliance.

A seat is an active person in an active tenant; service accounts take none. Whoever takes one holds a lock until its
transaction ends. Then what is committed is all that there is, and what this transaction has added is known to it: of
two who take the last seat at once, the second finds it taken. Counted by the system login, since a tenant's own people
see nobody else's.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from appliance.kit import clock
from appliance.kit.database import Database
from appliance.licensing.asking import Licences
from appliance.licensing.points import Point
from appliance.tenants import invited, repository

_LOCK = 0x5EA75
"""Any number that nobody else locks."""
_TAKEN = "licensed"


class Room:
    """What the licence has room for. One for a process; ``system`` counts."""

    def __init__(self, licences: Licences, system: Database) -> None:
        self._licences = licences
        self._system = system

    def tenant(self, session: Session) -> None:
        """Take the place of a tenant. Raises ``NotLicensed``, ``LimitReached``."""
        self._take(session, Point.ADDING_TENANT, 1)

    def seats(self, session: Session, count: int = 1) -> None:
        """Take so many seats. Raises ``NotLicensed``, ``LimitReached``."""
        if count:
            self._take(session, Point.ADDING_SEAT, count)

    def guest(self, session: Session) -> None:
        """Look for a seat for one more who is asked in, beside all who have not come yet. Raises as :meth:`seats`."""
        self._take(session, Point.ADDING_SEAT, 1, guests=True)

    def _take(self, session: Session, point: Point, count: int, *, guests: bool = False) -> None:
        entitlement = self._licences.now()
        entitlement.check(point)
        session.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        taken: dict[Point, int] = session.info.setdefault(_TAKEN, {})
        with self._system.session() as looking:
            used = repository.seats(looking) if point is Point.ADDING_SEAT else repository.tenant_count(looking)
            used += invited.pending_count(looking, clock.now()) if guests else 0
        entitlement.require(point, used + taken.get(point, 0) + count - 1)
        taken[point] = taken.get(point, 0) + count
