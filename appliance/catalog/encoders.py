"""What the model store knows of an encoder or a reranker, for processes that must not load it."""

from pathlib import Path

from appliance.catalog import manifest
from appliance.drivers.encoder.counting import describe
from appliance.drivers.encoder.port import About


def about(store: Path, name: str) -> About:
    """Name with digest, width, languages and longest text of ``<store>/<name>``.

    Raises ``BadManifest`` when the directory is absent, is no encoder, or its configuration cannot be read.
    """
    directory = store / name
    found = manifest.read(directory)
    if found.kind != "encoder":
        raise manifest.BadManifest(f"{name} is a {found.kind} model, not an encoder.")
    try:
        return describe(directory, f"{found.name}@{found.digest[:12]}", frozenset(found.languages))
    except (OSError, KeyError, ValueError) as error:
        raise manifest.BadManifest(f"The configuration of {name} cannot be read: {error!r}.") from error


def reranker(directory: Path) -> str:
    """The name with digest of a reranker. Raises ``BadManifest`` when the directory is absent or holds another kind."""
    found = manifest.read(directory)
    if found.kind != "reranker":
        raise manifest.BadManifest(f"{found.name} is no reranker: its kind is {found.kind}.")
    return f"{found.name}@{found.digest[:12]}"
