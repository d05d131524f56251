"""A real S3 server, SeaweedFS from its package, as a child of the tests on loopback."""

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx

from appliance.drivers.fetcher import parse
from appliance.drivers.sources.s3 import Bucket, signed
from tests.factories.processes import until

PROGRAM = shutil.which("weed", path=str(Path(sys.executable).parent))
ACCESS, SECRET = "appliance", "a secret key of the tests"
_WRITES = ("PUT", "DELETE")


@dataclass(frozen=True, slots=True)
class Seaweed:
    """A server that runs."""

    port: int
    writer: str = "writer"

    @property
    def endpoint(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def put(self, bucket: str, key: str = "", content: bytes = b"") -> None:
        """Make a bucket, or write an object."""
        self._asked("PUT", bucket, key, content)

    def delete(self, bucket: str, key: str) -> None:
        """Remove an object."""
        self._asked("DELETE", bucket, key, b"")

    def _asked(self, method: str, bucket: str, key: str, content: bytes) -> None:
        url = f"{self.endpoint}/{bucket}" + (f"/{quote(key)}" if key else "")
        as_whom = Bucket(self.endpoint, bucket, "", "us-east-1", self.writer, SECRET)
        headers = signed(parse(url), as_whom, method, content)
        answer = httpx.request(method, url, headers=headers, content=content, trust_env=False)
        assert answer.is_success, answer.text


@contextmanager
def running(home: Path) -> Iterator[Seaweed]:
    """Start a server: one identity that reads, one that writes."""
    assert PROGRAM is not None
    known = [{"accessKey": ACCESS, "secretKey": SECRET}], [{"accessKey": "writer", "secretKey": SECRET}]
    identities = [
        {"name": "reader", "credentials": known[0], "actions": ["Read", "List"]},
        {"name": "writer", "credentials": known[1], "actions": ["Admin", "Read", "List", "Write"]},
    ]
    (home / "s3.json").write_text(json.dumps({"identities": identities}))
    (home / "data").mkdir()
    with ExitStack() as stack:
        ports = [_free(stack) for _ in range(8)]
    names = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc")
    options = [f"-{name}={port}" for name, port in zip(names, ports, strict=False)]
    command = [
        PROGRAM,
        "server",
        f"-dir={home / 'data'}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-filer",
        "-s3",
        f"-s3.port={ports[6]}",
        f"-s3.port.grpc={ports[7]}",
        f"-s3.config={home / 's3.json'}",
        "-master.volumeSizeLimitMB=64",
        "-volume.max=200",
        *options,
    ]
    log = (home / "log").open("wb")
    child = subprocess.Popen(command, stdout=log, stderr=log, cwd=home)
    try:
        server = Seaweed(ports[6])
        until(lambda: child.poll() is not None or _writes(server), 60)
        assert child.poll() is None, (home / "log").read_text()
        yield server
    finally:
        child.kill()  # told to end it takes its time, and nothing of it is needed any more
        child.wait(10)
        log.close()


def _writes(server: Seaweed) -> bool:
    """Whether an object can be written: the server listens before it can."""
    try:
        server.put("started")
        server.put("started", "a", b"a")
    except (httpx.HTTPError, AssertionError):
        return False
    return True


def _free(stack: ExitStack) -> int:
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    return int(listener.getsockname()[1])
