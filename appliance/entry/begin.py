"""``python -m appliance.entry.begin MODULE``: load a process's code at once, run it when the schema is ready.

Loading takes each of our processes a second or two of a core, and PostgreSQL and the migrations leave one idle
meanwhile. ``run/schema.ready`` is written by ``appliance.entry.first`` and removed by ``up`` before anything starts.
"""

import gc
import importlib
import os
import sys
import time
from pathlib import Path

from appliance.kit.layout import Layout

PAUSE = 0.02
READY = "schema.ready"


def run(module: str, layout: Layout) -> object:
    """Import, wait, call the module's ``main``; its exit code.

    What is imported stays, so the collector would look through it for nothing: a fifth of the time.
    """
    gc.disable()
    loaded = importlib.import_module(module)
    gc.enable()
    while not (layout.run / READY).exists():
        time.sleep(PAUSE)
    return loaded.main()


def main() -> object:
    """Take the module from the command line and the data directory from the environment."""
    return run(sys.argv[1], Layout(Path(os.environ["APPLIANCE_DATA"])))


if __name__ == "__main__":
    sys.exit(main())  # type: ignore[arg-type] # whatever the module's main gives is what sys.exit takes
