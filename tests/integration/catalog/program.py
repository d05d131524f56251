"""One job of the catalogue in a process of its own, which a test can kill: settings come from the environment."""

from appliance.access.web import Databases
from appliance.catalog import tasks
from appliance.drivers.broker import MemoryBell
from appliance.entry.gathering import load_tables
from appliance.jobs.registry import Registry
from appliance.jobs.runner import Runner
from appliance.kit.database import Database, address
from appliance.kit.settings import load


def main() -> None:
    """Run the job whose turn it is."""
    load_tables()
    settings = load()
    registry = Registry()
    tasks.register(registry, lambda: settings)
    app, operator, system = (Database(address(settings, login)) for login in ("app", "operator", "system"))
    pools = Databases(app, operator, system)
    Runner(pools.system, pools.app, registry, MemoryBell(), settings.jobs, "killed").run_next()
    pools.close()


if __name__ == "__main__":
    main()
