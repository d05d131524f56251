"""The usage journal: a record is on local disk before the last byte of its answer is sent.

Each process appends to a file of its own, locked while it lives. The drainer closes the file once a second, inserts
finished files row by row with ``on conflict do nothing`` on the request id, then removes them: a record survives
``kill -9`` (it is in the page cache at once) and is lost to a power cut for one second at most (fsync by the drainer).
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from uuid import UUID

from msgspec import Struct
from msgspec.json import Decoder, encode

from appliance.kit import log
from appliance.kit.ids import uuid7

_logger = log.get(__name__)


class Charge(Struct, frozen=True):
    """A window that a record is counted in, and the lease that it was reserved from; their ids as a line has them."""

    window: str
    lease: str


class UsageRecord(Struct):
    """What one inference used. Times in seconds. A struct, which is made and written in a third of a dataclass's time.

    ``queue_seconds``: until the engine had the request. ``gpu_seconds``: its share of the engine's busy time.
    ``asked`` and ``source``: the HTTP request's id and address, for the audit.
    """

    request_id: UUID
    tenant_id: UUID
    user_id: UUID
    key_id: UUID | None
    route: str
    model_digest: str
    adapter_digest: str | None
    outcome: str
    prompt_tokens: int
    completion_tokens: int
    first_token_seconds: float | None
    total_seconds: float
    started_at: datetime
    cached_tokens: int = 0
    queue_seconds: float = 0.0
    gpu_seconds: float = 0.0
    asked: str | None = None
    source: str | None = None
    charges: tuple[Charge, ...] = ()


_decoded = Decoder(UsageRecord).decode


def to_line(record: UsageRecord) -> bytes:
    """One JSON line."""
    return encode(record) + b"\n"


def from_line(line: bytes) -> UsageRecord:
    """The record of a line. Raises ValueError on a torn or foreign one."""
    # a line of an older release lacks what was added since; more than we know is a newer one's, and no harm
    return _decoded(line)


class Journal:
    """This process's end of the journal directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._file: int | None = None
        self._path: Path | None = None

    def write(self, record: UsageRecord) -> None:
        """Append one record; returns when the kernel has it."""
        with self._lock:
            if self._file is None:
                self._open()
            os.write(self._file or 0, to_line(record))

    def finish(self) -> None:
        """Close the present file, so that the drainer may take it. The next record opens another."""
        with self._lock:
            file, self._file, self._path = self._file, None, None
        if file is not None:  # outside of the lock: nobody who writes waits for the disk
            os.fsync(file)
            os.close(file)

    def _open(self) -> None:
        self._path = self._directory / f"{uuid7().hex}.jsonl"
        new = self._path.with_suffix(".new")
        self._file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        new.rename(self._path)  # only now: a drainer that found it unlocked would remove it under our hands


def finished(directory: Path) -> Iterator[Path]:
    """Journal files that no living process writes to, oldest first."""
    for path in sorted(directory.glob("*.jsonl")):
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except (BlockingIOError, FileNotFoundError):  # being written to; or drained and removed by another process
            continue
        yield path


def records(path: Path) -> Iterator[UsageRecord]:
    """The records of a file; a torn last line (power cut) is logged and passed over."""
    with path.open("rb") as file:
        for line in file:
            try:
                yield from_line(line)
            except ValueError:
                _logger.warning("torn usage record", file=path.name)


def holds(directory: Path, tenant: UUID) -> bool:
    """Whether records of this tenant are on their way to the database still."""
    wanted = str(tenant).encode()
    for path in directory.glob("*.jsonl"):
        with suppress(FileNotFoundError), path.open("rb") as file:  # drained meanwhile
            if any(wanted in line for line in file):
                return True
    return False
