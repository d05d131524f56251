"""The engine host's process: ``python -m appliance.entry.engines``."""

import signal
import sys
import threading

from appliance.kit import log, settings
from appliance.kit.database import Database
from appliance.kit.listening import Listener
from appliance.licensing.asking import Licences
from appliance.licensing.place import Place
from appliance.serving import adapters
from appliance.serving.host import Host, Timing, World
from appliance.serving.launch import ChildLauncher


def main() -> int:
    """Reconcile until SIGTERM, then drain every engine and leave."""
    given = settings.load()
    log.configure("engines", given.log_level)
    stop = threading.Event()
    system = Database.of(given, "system")
    licences = Licences(system, Place.of(given))
    launcher = ChildLauncher(given, system, licences.now)
    launcher.clear()
    known, check = adapters.of(given), adapters.checked(system)
    world = World(system, launcher, given.layout, known, check, given.engine.endpoints)
    host = Host(world, Timing(given.engine.start_seconds))
    bell = Listener(system, "serving", host.wake.set)
    bell.start()

    def end(*_: object) -> None:
        stop.set()
        host.wake.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    host.run(stop, given.engine.poll_seconds)
    bell.stop()
    system.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
