"""The job that fetches a model which a known package carries, unless it is in the store, and registers it."""

from pathlib import Path
from typing import Any, Final

from appliance.catalog import manifest, source
from appliance.catalog.errors import ModelUnknown
from appliance.catalog.importing import Tools
from appliance.catalog.service import Catalog
from appliance.jobs.run import Run

PULL: Final = "catalog.pull"


def known(store: Path, name: str) -> source.Package | None:
    """The package that carries a model; None: it lies in the store. Raises :class:`ModelUnknown`."""
    if (store / name / manifest.NAME).is_file():
        return None
    for package in source.PACKAGES:
        if package.name == name:
            return package
    raise ModelUnknown(f"{name!r} is neither in the model store nor in a known package")


def pull(run: Run, tools: Tools) -> dict[str, Any]:
    """Do it. Raises :class:`ModelUnknown`, or what ``source.ensure`` and ``Catalog.register`` raise."""
    name = str(run.args["name"])
    package = known(tools.store, name)
    if package is not None:
        source.ensure(package, tools.store, lambda step, done, total: run.progress(done, total, step))
    run.check()
    with tools.operator() as session:
        version = Catalog(session).register(tools.store / name)
        Catalog(session).activate_harmless(version.id)
    return {"model": str(version.id), "name": version.name, "digest": version.digest, "signature": version.signature}
