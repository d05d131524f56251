"""The engine host's process: ``python -m appliance.entry.engines``. A second one waits until the first has ended."""

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
from appliance.serving.tenure import Superseded, Tenure

LONGEST_MS = 10_000
"""Of a statement of the host: all are short. A database that answers nothing is given up soon after, so the host looks
and reports again, where it can, before its last report is 30 s old and counts as none."""


def main() -> int:
    """Reconcile until SIGTERM, then drain every engine and leave; 1 when another host took over."""
    given = settings.load()
    log.configure("engines", given.log_level)
    stop = threading.Event()
    system = Database.of(given, "system", longest_ms=LONGEST_MS)
    licences = Licences(system, Place.of(given))
    launcher = ChildLauncher(given, system, licences.now)
    known, check, tenure = adapters.of(given), adapters.checked(system), Tenure(system)
    world = World(system, launcher, given.layout, known, check, given.engine.endpoints, tenure.keep)
    host = Host(world, Timing(given.engine.start_seconds))

    def end(*_: object) -> None:
        stop.set()
        host.wake.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    if not tenure.wait(stop):
        return 0
    launcher.clear()  # only now: until then what looks like a dead host's is another's
    bell = Listener(system, "serving", host.wake.set)
    bell.start()
    try:
        host.run(stop, given.engine.poll_seconds)
    except Superseded as superseded:
        log.get(__name__).error(superseded.detail)
        return 1
    finally:
        bell.stop()
        tenure.end()
        system.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
