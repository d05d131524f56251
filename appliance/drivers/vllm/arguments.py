"""From engine settings to a command line, purely: no file is looked at, nothing is started.

The server gets a Unix socket instead of a port, a key in its environment instead of its argument list (which every user
of the machine can read), a bounded queue, a time to finish what it has begun, and no way to the network.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from appliance.kit.errors import Refused

INHERITED = (
    "PATH",
    "HOME",
    "LANG",
    "TZ",
    "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES",
    "CUDA_HOME",
    "CC",
    "CXX",
)
"""What an engine needs of its host's environment; nothing else is handed down."""


class BadEngineSettings(Refused):
    """The engine settings of a deployment are not acceptable."""

    code = "bad_engine_settings"


MENDED = "appliance.drivers.vllm.unadapted.Extension"
"""Without it an answer without an adapter may be another tenant's adapter's."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How a model version is run. ``context`` is the most tokens of a prompt and its answer together.

    ``sequences`` requests run at once and ``queue`` more may wait; what is over is told 503. ``cache_gib`` is the CPU's
    key-value cache; ``memory_share`` the part of a GPU's memory that the engine takes. ``threads`` 0: all cores.
    ``dtype`` auto: as the weights are stored, or on a processor without bfloat16 float32 (:func:`settled`).
    ``adapters``: how many may take part in one batch, 0: none can be loaded; ``adapter_rank``: the greatest of theirs.
    """

    device: Literal["cpu", "cuda"] = "cpu"
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    context: int = 4096
    sequences: int = 16
    queue: int = 32
    drain_seconds: int = 10
    threads: int = 0
    cache_gib: int = 1
    memory_share: float = 0.9
    parallel: int = 1
    eager: bool = False
    adapters: int = 0
    adapter_rank: int = 16

    def to_json(self) -> dict[str, Any]:
        """The form in which a deployment keeps them."""
        return asdict(self)


RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The ranks of adapters that vLLM can be told to make room for (vllm/config/lora.py)."""
_BOUNDS: dict[str, tuple[float, float]] = {
    "context": (256, 1_048_576),
    "sequences": (1, 1024),
    "queue": (0, 100_000),
    "drain_seconds": (0, 600),
    "threads": (0, 1024),
    "cache_gib": (1, 1024),
    "memory_share": (0.05, 0.98),
    "parallel": (1, 64),
    "adapters": (0, 256),
    "adapter_rank": (1, 512),
}


def parse(told: Mapping[str, Any]) -> EngineSettings:
    """Engine settings from a deployment's JSON. Raises :class:`BadEngineSettings` naming the member at fault."""
    unknown = sorted(told.keys() - {field.name for field in fields(EngineSettings)})
    if unknown:
        raise BadEngineSettings(f"unknown engine settings: {', '.join(unknown)}")
    found = EngineSettings(**told)
    for name, (least, most) in _BOUNDS.items():
        value = getattr(found, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise BadEngineSettings(f"{name} must lie between {least:g} and {most:g}, and is {value!r}")
    if found.device not in ("cpu", "cuda") or found.dtype not in ("auto", "bfloat16", "float16", "float32"):
        raise BadEngineSettings(f"device {found.device!r} with dtype {found.dtype!r} is not known")
    return found


def settled(settings: EngineSettings, *, bfloat16: bool) -> EngineSettings:
    """With the numbers that the processor computes in, where nobody chose any; ``bfloat16``: whether it knows those."""
    slow = settings.device == "cpu" and settings.dtype == "auto" and not bfloat16
    return replace(settings, dtype="float32") if slow else settings


@dataclass(frozen=True, slots=True)
class Place:
    """The host as the engine will find it. ``names``: what the gateway calls the model; ``devices``: graphics cards.

    ``tools``: vLLM's parser for the calls of tools that this model writes, None where it writes none.
    """

    python: Path
    program: str
    model: Path
    names: tuple[str, ...]
    socket: Path
    cache: Path
    key: str
    cores: tuple[int, ...] = (0,)
    preload: tuple[Path, ...] = ()
    compiler: bool = True
    inherited: Mapping[str, str] | None = None
    devices: tuple[int, ...] = ()
    tools: str | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """What is started: the argument list and the whole environment."""

    argv: tuple[str, ...]
    env: dict[str, str]


def temporary(cache: Path) -> Path:
    """Where engines put temporary files: nobody else may write there, and what torch compiled is found again."""
    return cache / "tmp"


def command(settings: EngineSettings, place: Place) -> Command:
    """The server's command line and environment for one deployment."""
    return Command(_argv(settings, place), _env(settings, place))


def ranges(cores: Iterable[int]) -> str:
    """Cores as the kernel writes them: ``0-3,8``."""
    runs: list[list[int]] = []
    for core in sorted(cores):
        if runs and core == runs[-1][1] + 1:
            runs[-1][1] = core
        else:
            runs.append([core, core])
    return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in runs)


def _argv(settings: EngineSettings, place: Place) -> tuple[str, ...]:
    options: dict[str, object] = {
        "--model": place.model,
        "--uds": place.socket,
        "--max-model-len": settings.context,
        "--max-num-seqs": settings.sequences,
        "--max-num-queued-reqs": settings.sequences + settings.queue,  # vLLM counts running and waiting
        "--shutdown-timeout": settings.drain_seconds,  # 0, the default, aborts what is in flight
        "--dtype": settings.dtype,
        "--load-format": "safetensors",
        "--uvicorn-log-level": "warning",
    }
    flags = ["--disable-fastapi-docs", "--disable-uvicorn-access-log", "--enable-prompt-tokens-details"]
    if settings.device == "cuda":
        options["--gpu-memory-utilization"] = settings.memory_share
        options["--tensor-parallel-size"] = settings.parallel
    if settings.adapters:
        flags.append("--enable-lora")
        options["--max-loras"] = settings.adapters
        options["--max-cpu-loras"] = 2 * settings.adapters  # while a route flips, the former ones are still asked
        options["--max-lora-rank"] = _rank(settings.adapter_rank)
        if settings.device == "cpu":
            options["--worker-extension-cls"] = MENDED
    if place.tools is not None:
        flags.append("--enable-auto-tool-choice")  # without, vLLM refuses tools unless the caller forces one of them
        options["--tool-call-parser"] = place.tools
    if settings.eager or not place.compiler:
        flags.append("--enforce-eager")
    named = [part for name, value in options.items() for part in (name, str(value))]
    return (str(place.python), "-m", place.program, *named, "--served-model-name", *place.names, *flags)


def _rank(wanted: int) -> int:
    """The least rank that vLLM takes and that is enough."""
    return next(rank for rank in RANKS if rank >= wanted)


def _env(settings: EngineSettings, place: Place) -> dict[str, str]:
    env = {name: value for name, value in (place.inherited or {}).items() if name in INHERITED}
    env |= {
        "VLLM_API_KEY": place.key,
        # Without these an engine's processes talk to each other on the address that this machine has in its network.
        "VLLM_HOST_IP": "127.0.0.1",
        "GLOO_SOCKET_IFNAME": "lo",
        "VLLM_CACHE_ROOT": str(place.cache),
        # Torch looks for compiled headers, and others put files, under names in it that anybody can foretell.
        "TMPDIR": str(temporary(place.cache)),
        "VLLM_RPC_BASE_PATH": str(place.socket.parent),  # its sockets: by default below TMPDIR, whose path may be long
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
    }
    if settings.adapters:
        env["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] = "1"  # on its socket alone, with the key
    if place.devices and settings.device == "cuda":
        env["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, place.devices))
    return env | _processor(settings, place) if settings.device == "cpu" else env


def _processor(settings: EngineSettings, place: Place) -> dict[str, str]:
    cores = place.cores[: settings.threads or None]
    env = {
        # vLLM 0.32 writes ahead-of-time compiled functions on a CPU but cannot load them, and compiles at every start;
        # without, what torch's own compiler keeps is found again.
        "VLLM_USE_AOT_COMPILE": "0",
        "TORCHINDUCTOR_CACHE_DIR": str(place.cache / "inductor"),  # by default a name in /tmp that anybody can take
        "OMP_NUM_THREADS": str(len(cores)),
        "VLLM_CPU_OMP_THREADS_BIND": ranges(cores),
        "VLLM_CPU_KVCACHE_SPACE": str(settings.cache_gib),
    }
    if place.preload:
        env["LD_PRELOAD"] = ":".join(str(library) for library in place.preload)
    return env
