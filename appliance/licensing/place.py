"""Where this appliance stands: its clocks, its machine, its files, its root key."""

import time
from dataclasses import dataclass
from pathlib import Path

from appliance.kit import clock
from appliance.kit.canonical import digest_of
from appliance.kit.settings import Settings
from appliance.licensing.guard import Reading

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_MACHINE = Path("/etc/machine-id")


@dataclass(frozen=True, slots=True)
class Place:
    """``root`` None: the vendor's pinned key. ``machine``: its id, empty where there is none."""

    root: Path | None
    directory: Path
    secret: Path
    machine: str

    @classmethod
    def of(cls, settings: Settings) -> "Place":
        """The place that the settings describe, on this machine."""
        layout = settings.layout
        return cls(settings.licensing.root, layout.licensing, layout.secret("licensing"), _line(_MACHINE))

    def fingerprint(self, appliance_id: str) -> str:
        """What a licence can be bound to: this appliance on this machine. A clone of both has the same."""
        return digest_of({"appliance": appliance_id, "machine": self.machine, "purpose": "appliance-fingerprint-v1"})


def reading() -> Reading:
    """A look at the clocks. CLOCK_BOOTTIME counts sleep too, so that a closed lid is no leap of the clock."""
    return Reading(int(clock.now().timestamp()), _line(_BOOT), int(time.clock_gettime(time.CLOCK_BOOTTIME)))


def _line(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
