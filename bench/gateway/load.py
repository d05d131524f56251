"""Load: ``wrk`` for whole answers, a client of our own for streams, each in a process of its own."""

import asyncio
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import uvloop

BODY = {
    "model": "default",
    "messages": [
        {"role": "system", "content": "You answer from the handbook, briefly."},
        {"role": "user", "content": "How many days of paid leave does a new employee have in the first year?"},
    ],
    "max_tokens": 64,
    "temperature": 0,
}
WRK = shutil.which("wrk") or "/usr/bin/wrk"
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


@dataclass(frozen=True, slots=True)
class Whole:
    """Requests a second, and milliseconds of the median and the slowest hundredth."""

    rps: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Streams:
    """Milliseconds: a stream's first frame after its request (median), a frame's way from the engine (mean).

    ``lost``: frames that did not come.
    """

    first: float
    delay: float
    lost: int


def whole(port: int, key: str, connections: int, seconds: float) -> Whole:
    """Measure with wrk: one thread, so many connections."""
    script = (
        'wrk.method = "POST"\n'
        f"wrk.body = [==[{json.dumps(BODY)}]==]\n"
        'wrk.headers["Content-Type"] = "application/json"\n'
        f'wrk.headers["Authorization"] = "Bearer {key}"\n'
    )
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        address = f"http://127.0.0.1:{port}/v1/chat/completions"
        options = ["-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency", "--timeout", "30s", "-s", file.name]
        told = subprocess.run([WRK, *options, address], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in told or "Socket errors" in told:
        raise SystemExit(f"not all were answered at {address}:\n{told}")
    return Whole(_number(r"Requests/sec:\s+([\d.]+)", told), _time("50%", told), _time("99%", told))


def _number(pattern: str, told: str) -> float:
    found = re.search(pattern, told)
    if found is None:
        raise SystemExit(f"wrk said something else:\n{told}")
    return float(found[1])


def _time(part: str, told: str) -> float:
    found = re.search(rf"{part}\s+([\d.]+)(us|ms|s)\b", told)
    if found is None:
        raise SystemExit(f"wrk said something else:\n{told}")
    return float(found[1]) * _UNITS[found[2]]


def streams(port: int, key: str, count: int) -> Streams:
    """Measure so many streams at once."""
    command = [sys.executable, "-m", "bench.gateway.load", str(port), key, str(count)]
    root = Path(__file__).resolve().parents[2]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root).stdout
    return Streams(**json.loads(told))


_SENT = re.compile(rb'"content":"(\d+) "')


async def _one(port: int, key: str, frames: int) -> tuple[float, list[float], int]:
    """First frame after (ms), each frame's way from the engine (ms), frames lost."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps({**BODY, "stream": True}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    begun = time.monotonic_ns()
    writer.write(head.encode() + body)
    ways: list[float] = []
    first = 0.0
    rest = b""
    while b"[DONE]" not in rest and (data := await reader.read(65536)):
        now = time.monotonic_ns()
        rest += data
        end = 0
        for sent in _SENT.finditer(rest):
            first = first or (now - begun) / 1e6
            ways.append((now - int(sent[1])) / 1e6)
            end = sent.end()
        rest = rest[end:]
    writer.close()
    return first, ways, frames - len(ways)


async def _all(port: int, key: str, count: int) -> Streams:
    from bench.gateway.mock import FRAMES  # noqa: PLC0415 - only this process needs it

    async def later(number: int) -> tuple[float, list[float], int]:
        await asyncio.sleep(number * 0.005)  # people do not all ask in the same millisecond
        return await _one(port, key, FRAMES)

    found = await asyncio.gather(*(later(number) for number in range(count)))
    ways = [way for _, each, _ in found for way in each]
    lost = sum(abs(missing) for _, _, missing in found)
    return Streams(statistics.median(first for first, _, _ in found), statistics.fmean(ways), lost)


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(_all(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))))
