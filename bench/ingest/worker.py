"""A worker without a broker: ``python -m bench.ingest.worker`` runs jobs as they come, until it is stopped."""

import os
import time

from appliance.drivers.broker import MemoryBell
from appliance.entry import handlers
from appliance.jobs.runner import Runner
from appliance.kit import log, settings
from bench.query.stack import pools

PAUSE = 0.2
"""Between two looks for work when there was none; a real worker is rung for."""


def main() -> None:
    """Run jobs for ever."""
    given = settings.load()
    log.configure("worker", "WARNING")
    databases = pools(given)
    runner = Runner(
        databases.system, databases.app, handlers.registry(), MemoryBell(), given.jobs, f"bench:{os.getpid()}"
    )
    while True:
        if runner.run_next() is None:
            time.sleep(PAUSE)


if __name__ == "__main__":
    main()
