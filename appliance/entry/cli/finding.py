"""Which appliance the command line talks to, and with which key.

In this order: ``APPLIANCE_URL`` with ``APPLIANCE_KEY`` or the key of a ``login`` there; the data directory that
``APPLIANCE_DATA`` names (``secrets/cli.json``); the last ``login``; the data directory that ``up`` takes by default.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.kit.errors import Unauthenticated, Unavailable


class NoApplianceKnown(Unavailable):
    """There is no appliance that the command line knows of."""

    code = "no_appliance_known"
    advice = (
        "Start one with 'appliance up', name its data directory in APPLIANCE_DATA, or sign in: 'appliance login URL'."
    )


class NoKey(Unauthenticated):
    """An address is known, but no key for it."""

    code = "no_key"
    advice = "Sign in with 'appliance login', or set APPLIANCE_KEY."


@dataclass(frozen=True, slots=True)
class Target:
    """An appliance: its address without a slash at the end, and the API key."""

    url: str
    key: str


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look: the environment and the home directory."""

    environment: Mapping[str, str]
    home: Path

    @classmethod
    def here(cls) -> "Places":
        """This process's."""
        return cls(os.environ, Path.home())

    @property
    def logins(self) -> Path:
        """Where ``login`` keeps its keys, 0600."""
        base = self.environment.get("XDG_CONFIG_HOME")
        return (Path(base) if base else self.home / ".config") / "appliance" / "logins.json"

    @property
    def data(self) -> Path:
        """The data directory, named or by default."""
        named = self.environment.get("APPLIANCE_DATA")
        return Path(named) if named else self.home / ".local/share/appliance"


def find(places: Places) -> Target:
    """The appliance to talk to. Raises :class:`NoApplianceKnown` or :class:`NoKey`."""
    environment = places.environment
    kept = _kept(places.logins)
    own = _target(_read(places.data / "secrets" / "cli.json"))
    if url := environment.get("APPLIANCE_URL", "").rstrip("/"):
        key = environment.get("APPLIANCE_KEY") or kept.get(url) or (own.key if own and own.url == url else None)
        if not key:
            raise NoKey(f"No key is known for {url}.")
        return Target(url, key)
    last = str(_read(places.logins).get("last", ""))
    signed = Target(last, kept[last]) if last in kept else None
    found = own or signed if "APPLIANCE_DATA" in environment else signed or own
    if found is None:
        raise NoApplianceKnown("No appliance is known here.")
    return Target(found.url, environment.get("APPLIANCE_KEY") or found.key)


def address(places: Places) -> str | None:
    """The address to sign in at when none is given: as :func:`find`, key or not."""
    if url := places.environment.get("APPLIANCE_URL", "").rstrip("/"):
        return url
    with suppress(NoApplianceKnown):
        return find(places).url
    return None


def keep(places: Places, target: Target) -> None:
    """Remember the key of a ``login``; the file is 0600 from its beginning and replaced in one step."""
    file = places.logins
    document = {"last": target.url, "keys": {**_kept(file), target.url: target.key}}
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        json.dump(document, stream)
    fresh.replace(file)


def _kept(file: Path) -> dict[str, str]:
    keys = _read(file).get("keys", {})
    return {str(url): str(key) for url, key in keys.items()} if isinstance(keys, dict) else {}


def _target(document: Mapping[str, Any]) -> Target | None:
    url, key = document.get("url"), document.get("key")
    return Target(str(url).rstrip("/"), str(key)) if url and key else None


def _read(file: Path) -> Mapping[str, Any]:
    with suppress(OSError, ValueError):
        found = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}
