"""What must hold before ``up`` touches anything. Each failure is one sentence, and nothing was changed."""

import fcntl
import ipaddress
import os
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import appliance
from appliance.kit.errors import ApplianceError
from appliance.kit.layout import ENGINE_SOCKET_LIMIT, SOCKET_LIMIT, Layout
from appliance.kit.settings import HostSettings, WebSettings

VERSION = "VERSION"
CONTROL_GROUP = Path("/sys/fs/cgroup")


class CannotStart(ApplianceError):
    """The appliance cannot start here."""

    code = "cannot_start"
    advice = "Nothing was changed."


@dataclass(frozen=True, slots=True)
class Room:
    """What this machine has to spare, bytes."""

    memory: int
    disk: int


def check(layout: Layout, web: WebSettings, host: HostSettings) -> None:
    """Raise :class:`CannotStart` for the first thing that forbids a start."""
    check_version(layout.data)
    check_address(web)
    check_room(room(layout.data), host)
    check_port(web)


def check_version(data: Path) -> None:
    """A newer appliance may have changed what lies there in ways that this one does not know."""
    file = data / VERSION
    found = file.read_text(encoding="utf-8").strip() if file.exists() else appliance.__version__
    try:
        newer = _numbers(found) > _numbers(appliance.__version__)
    except ValueError:
        raise CannotStart(f"{file} holds '{found}', which is not a version of the appliance.") from None
    if newer:
        raise CannotStart(
            f"{data} belongs to version {found}, this is {appliance.__version__}: start the newer one, or restore "
            "a backup of the older one into another directory."
        )


def write_version(data: Path) -> None:
    """This version has worked on the directory: an older one must not."""
    fresh = data / f"{VERSION}.new"
    fresh.write_text(f"{appliance.__version__}\n", encoding="utf-8")
    fresh.replace(data / VERSION)


def check_address(web: WebSettings) -> None:
    """Keys and documents leave this machine encrypted or not at all."""
    if not loopback(web.host) and (web.certificate is None or web.key is None):
        raise CannotStart(
            f"{web.host} can be reached from other machines: give a certificate and its key (--cert, --key), "
            "or keep to 127.0.0.1."
        )
    for file in (web.certificate, web.key):
        if file is not None and not os.access(file, os.R_OK):
            raise CannotStart(f"{file} cannot be read.")


def loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_room(found: Room, host: HostSettings) -> None:
    """Too little memory or disk shows itself here and not in the middle of an ingest."""
    for name, has, needs in (
        ("memory", found.memory, host.least_memory),
        ("disk space", found.disk, host.least_disk),
    ):
        if has < needs:
            raise CannotStart(f"There is too little {name}: {_size(has)} free, {_size(needs)} needed.")


def room(data: Path) -> Room:
    """Memory that can be had without swapping, within a container's limit too, and free disk below ``data``."""
    there = next(path for path in (data, *data.parents) if path.exists())
    return Room(available_memory(), shutil.disk_usage(there).free)


def check_port(web: WebSettings) -> None:
    """Bind and let go: nothing else may listen there."""
    family = socket.AF_INET6 if ":" in web.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((web.host, web.port))
        except OSError as error:
            raise CannotStart(f"Port {web.port} of {web.host} cannot be used: {error.strerror}.") from error


def lock(data: Path) -> int:
    """Hold the data directory until this process ends; CannotStart when another ``up`` holds it."""
    handle = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise CannotStart(f"An appliance already runs on {data}: 'appliance status' shows it.") from None
    return handle


def sockets_fit(layout: Layout) -> bool:
    """Whether the paths of sockets in ``run/`` are short enough for the kernel."""
    ours = len(os.fsencode(layout.run / "engine-0123456789ab.sock")) <= SOCKET_LIMIT
    return ours and len(os.fsencode(layout.run / str(UUID(int=0)))) <= ENGINE_SOCKET_LIMIT


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"


def available_memory(group: Path = CONTROL_GROUP) -> int:
    """Bytes that can be had without swapping; a container's limit is in its control group's files."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    free = [kilobytes["MemAvailable"] * 1024]
    limit, used = group / "memory.max", group / "memory.current"
    if limit.exists() and used.exists() and limit.read_text().strip().isdigit():
        free.append(int(limit.read_text()) - int(used.read_text()))
    return min(free)
