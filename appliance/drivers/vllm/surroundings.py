"""What an engine on this host can use: its cores, the allocator and OpenMP to preload, a compiler."""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

from appliance.drivers.vllm.arguments import Place
from appliance.kit import log

LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/local/lib")
TCMALLOC = "libtcmalloc_minimal.so.4"

_logger = log.get(__name__)


def survey(
    model: Path,
    names: tuple[str, ...],
    socket: Path,
    cache: Path,
    key: str,
    program: str,
    devices: tuple[int, ...] = (),
) -> Place:
    """The place of one engine on this host."""
    return Place(
        python=Path(sys.executable),
        program=program,
        model=model,
        names=names,
        socket=socket,
        cache=cache,
        key=key,
        cores=tuple(sorted(os.sched_getaffinity(0))),
        preload=preload(Path(sys.prefix), tuple(Path(folder) for folder in LIBRARIES)),
        compiler=compiler(Path(sysconfig.get_path("include"))),
        inherited=dict(os.environ),
        devices=devices,
    )


def preload(prefix: Path, folders: tuple[Path, ...]) -> tuple[Path, ...]:
    """The allocator and OpenMP, as far as they are there; without both the engine has half the speed."""
    depths = (TCMALLOC, f"*/{TCMALLOC}")  # Debian has a folder for each architecture in between
    found = [path for folder in folders for depth in depths for path in sorted(folder.glob(depth))][:1]
    if not found:
        _logger.warning("engine without tcmalloc", package="libtcmalloc-minimal4")
    openmp = prefix / "lib" / "libiomp5.so"
    if not openmp.exists():
        _logger.warning("engine without libiomp5", looked_for=str(openmp))
    return (*found, *([openmp] if openmp.exists() else []))


def compiler(include: Path) -> bool:
    """Whether vLLM can compile its kernels here: a C++ compiler and Python's headers. It runs without, but slower."""
    found = shutil.which("g++") is not None and (include / "Python.h").exists()
    if not found:
        _logger.warning("engine without compilation", packages="g++ python3-dev")
    return found
