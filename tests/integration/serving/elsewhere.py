"""A scripted engine on a port of loopback that the engine host did not start."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from appliance.catalog.service import ModelVersion
from appliance.kit import crypto
from appliance.kit.settings import Settings
from appliance.serving.adapters import engine_name
from appliance.serving.launch import KEY


class Elsewhere:
    """It can be stopped and started again at the same address."""

    def __init__(self, settings: Settings, version: ModelVersion) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._name = engine_name(version.name, version.digest)
        self._key = crypto.kept(settings.layout.secret(KEY))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, as a cluster would."""
        command = [sys.executable, "-m", "appliance.drivers.vllm.scripted", "--port", str(self.port)]
        environment = {**os.environ, "VLLM_API_KEY": self._key}
        self._process = subprocess.Popen([*command, "--served-model-name", self._name], env=environment)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@contextmanager
def started(settings: Settings, version: ModelVersion) -> Iterator[Elsewhere]:
    """One that runs."""
    found = Elsewhere(settings, version)
    found.start()
    try:
        yield found
    finally:
        found.stop()
