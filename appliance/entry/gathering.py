"""Every slice's tables in one metadata: for migrations, and for who goes over all tables of a tenant by their names."""

import importlib
from functools import cache
from pathlib import Path

import appliance


@cache  # each sweep asks for it, and the package is walked once
def load_tables() -> None:
    """Import each module ``tables``. A process that needs one slice alone never does this."""
    root = Path(appliance.__file__).parent
    for path in sorted(root.rglob("tables.py")):
        importlib.import_module(".".join(("appliance", *path.relative_to(root).with_suffix("").parts)))
