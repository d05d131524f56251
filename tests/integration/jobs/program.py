"""The worker process of the tests: the real host, with kinds of jobs that can be watched and killed.

``python -m tests.integration.jobs.program`` reads the settings from the environment, as the worker does.
"""

import os
import sys
import time
from pathlib import Path

from appliance.entry.worker import Host
from appliance.jobs.registry import Registry
from appliance.jobs.run import Run
from appliance.kit import log
from appliance.kit.settings import load


def wait(run: Run) -> dict[str, int]:
    """Tell who works, then wait until ``args["until"]`` exists."""
    directory = Path(run.args["directory"])
    (directory / f"pid-{run.lease.token}").write_text(str(os.getpid()))
    while not Path(run.args["until"]).exists():
        run.check()
        time.sleep(0.02)
    run.log("waited")
    return {"attempt": run.attempt, "token": run.lease.token}


def note(run: Run) -> None:
    """Append a line to a file: what ran twice shows."""
    with Path(run.args["file"]).open("a") as file:
        file.write(f"{run.args['name']}\n")


def modules(_: Run) -> dict[str, list[str]]:
    """What this process has imported."""
    return {"modules": sorted(sys.modules)}


def die(_: Run) -> None:
    """A job that kills its worker."""
    os._exit(9)


def main() -> None:
    """Run the host."""
    settings = load()
    log.configure("worker", settings.log_level)
    registry = Registry()
    for handler in (wait, note, modules, die):
        registry.add(handler.__name__, handler)
    sys.exit(Host(settings, registry).run())


if __name__ == "__main__":
    main()
