"""Building the budgets of a process from its settings."""

from appliance.drivers.stopwatch import Stopwatch
from appliance.kit.database import Database
from appliance.kit.ids import uuid7
from appliance.usage.budgets import Budgets
from appliance.usage.leasing import KeptLessor, ShortLessor
from appliance.usage.rulebook import Rulebook


def budgets(system: Database, stopwatch: Stopwatch) -> Budgets:
    """Budgets of a worker of its own; make one in each process."""
    return Budgets(Rulebook(system), KeptLessor(system), ShortLessor(stopwatch, uuid7().hex))
