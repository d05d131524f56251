"""What of our environment a child gets. Settings may stand in it, and so may secrets: nothing goes by itself."""

import os
from pathlib import Path
from typing import Final

KEPT: Final = (
    "PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG",
)  # fmt: skip


def plain(names: tuple[str, ...] = (), prefixes: tuple[str, ...] = ()) -> dict[str, str]:
    """The whole environment of a child that runs our code: where that lies, and little else.

    ``names`` and ``prefixes``: what it needs besides, taken as it is here.
    """
    wanted = {*KEPT, *names}
    kept = {name: value for name, value in os.environ.items() if name in wanted or name.startswith(prefixes)}
    return {**kept, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUTF8": "1"}
