"""What other slices ask of the licence on their way: the entitlement, remembered for half a minute."""

import threading
from collections.abc import Callable

from appliance.kit import clock
from appliance.kit.database import Database
from appliance.licensing.entitlement import Entitlement
from appliance.licensing.guard import Reading
from appliance.licensing.place import Place, reading
from appliance.licensing.service import Licensing

REMEMBERED = 30.0
"""Seconds. What the web process itself changes it forgets at once; other processes come to know within these."""


class Licences:
    """The entitlement of this process. ``database``: the system or operator login. Safe from several threads."""

    def __init__(self, database: Database, place: Place, look: Callable[[], Reading] = reading) -> None:
        self._database = database
        self._place = place
        self._look = look
        self._lock = threading.Lock()
        self._known: tuple[float, Entitlement] | None = None

    def now(self) -> Entitlement:
        """What may be done now."""
        with self._lock:
            if self._known is None or clock.monotonic() - self._known[0] > REMEMBERED:
                with self._database.session() as session:
                    found = Licensing(session, self._place, self._look).entitlement()
                self._known = (clock.monotonic(), found)
            return self._known[1]

    def forget(self) -> None:
        """Ask the database at the next question."""
        with self._lock:
            self._known = None
