"""The engine host's process: ``python -m appliance.entry.engines``."""

import signal
import sys
import threading

from appliance.kit import log, settings
from appliance.kit.database import Database
from appliance.serving.host import Host
from appliance.serving.launch import ChildLauncher


def main() -> int:
    """Reconcile until SIGTERM, then drain every engine and leave."""
    given = settings.load()
    log.configure("engines", given.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    system = Database.of(given, "system")
    launcher = ChildLauncher(given, system)
    launcher.clear()
    Host(system, launcher, given.layout, given.engine.start_seconds).run(stop, given.engine.poll_seconds)
    system.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
