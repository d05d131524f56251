"""What this host could run a model on: its graphics cards, as ``nvidia-smi`` tells, its processor and its memory."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from appliance.kit import log

_QUERY = ("--query-gpu=index,name,memory.total,memory.free", "--format=csv,noheader,nounits")
_MIB = 1024 * 1024
_SECONDS = 10
_BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}
_logger = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Device:
    """Memory in bytes: all of it, and what nobody uses now."""

    kind: Literal["cpu", "cuda"]
    index: int
    name: str
    total: int
    free: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.index}" if self.kind == "cuda" else self.kind


def computes_bfloat16(cpuinfo: str) -> bool:
    """Whether a processor with this ``/proc/cpuinfo`` has instructions for bfloat16.

    With them MiniLM encodes 1.7 to 2.1 times as fast as in float32, at the same nDCG@10 (cranfield-dev .396, xquad-en
    .943). Without them vLLM writes with SmolLM2-135M, 16 at once, a quarter of the tokens a second: 49 against 186.
    """
    flags = [line for line in cpuinfo.splitlines() if line.startswith(("flags", "Features"))]
    return bool(flags) and not _BFLOAT16.isdisjoint(flags[0].split())


def bfloat16() -> bool:
    """Whether this host's processor has them."""
    return computes_bfloat16(Path("/proc/cpuinfo").read_text(encoding="utf-8"))


def survey(program: str = "nvidia-smi", meminfo: Path = Path("/proc/meminfo")) -> tuple[Device, ...]:
    """The devices of this host, the processor first."""
    return (processor(meminfo.read_text(encoding="ascii")), *_cards(program))


def processor(meminfo: str) -> Device:
    """The processor, from the kernel's account of memory."""
    told = dict(line.split(":", 1) for line in meminfo.splitlines() if ":" in line)
    total, free = (int(told[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    return Device("cpu", 0, "processor", total, free)


def cards(told: str) -> tuple[Device, ...]:
    """The graphics cards, from ``nvidia-smi``'s table."""
    rows = [[cell.strip() for cell in line.rsplit(",", 2)] for line in told.splitlines() if line.strip()]
    found = []
    for first, total, free in rows:
        index, name = first.split(",", 1)
        found.append(Device("cuda", int(index), name.strip(), int(total) * _MIB, int(free) * _MIB))
    return tuple(found)


def _cards(program: str) -> tuple[Device, ...]:
    path = shutil.which(program)
    if path is None:
        return ()
    try:
        told = subprocess.run((path, *_QUERY), capture_output=True, text=True, timeout=_SECONDS, check=True).stdout
        return cards(told)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        _logger.warning("nvidia-smi does not tell what there is", error=str(error))
        return ()
