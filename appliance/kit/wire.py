"""Requests and answers between our own processes over a Unix socket.

One frame is a 4-byte big-endian length and a msgpack map. A request is ``{"op": str, ...}``, an answer
``{"ok": value}`` or ``{"error": {"code": str, "detail": str}}``. Arrays travel as msgpack bytes; the callers know their
shapes. msgpack and not pickle: a frame can never run code.

The server binds a fresh path and *renames* it over the public one (:meth:`Server.publish`), so a successor takes over
between two connections; connections that the predecessor accepted are answered by it to their end.
"""

import os
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgpack

from appliance.kit import errors, log
from appliance.kit.ids import uuid7

Handler = Callable[[dict[str, Any]], Any]

_HEAD = struct.Struct(">I")
_LARGEST = 256 * 1024 * 1024
_logger = log.get(__name__)


class WireDown(errors.Unavailable):
    """The process behind this socket does not answer."""

    code = "process_down"


class WireRefused(errors.Unavailable):
    """The process behind this socket answered with an error of its own."""

    code = "process_refused"

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail, reason=code)
        self.reason = code


def pack(message: object) -> bytes:
    """One frame, head included."""
    body: bytes = msgpack.packb(message, use_bin_type=True)
    return _HEAD.pack(len(body)) + body


def read_exactly(connection: socket.socket, size: int) -> bytes:
    """``size`` bytes, or fewer when the peer closed."""
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(min(size - len(parts), 1 << 20))
        if not part:
            break
        parts += part
    return bytes(parts)


def receive(connection: socket.socket) -> Any | None:  # noqa: ANN401 - msgpack gives any plain value
    """The next message, or None when the peer closed in good order or in the middle of a frame."""
    head = read_exactly(connection, _HEAD.size)
    if len(head) < _HEAD.size:
        return None
    (size,) = _HEAD.unpack(head)
    if size > _LARGEST:
        message = f"a frame of {size} bytes is over the limit of {_LARGEST}"
        raise errors.TooLarge(message)
    body = read_exactly(connection, size)
    return msgpack.unpackb(body, raw=False, strict_map_key=False) if len(body) == size else None


class Server:
    """Answers requests on a Unix socket, one thread a connection."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        self.path = path
        self._handlers = dict(handlers)
        self._own = path.with_name(f"{path.name}.{uuid7().hex[-8:]}")
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._busy = 0
        self._idle = threading.Condition()
        self._closing = False
        self._listener.bind(str(self._own))
        self._own.chmod(0o600)
        self._listener.listen(128)

    def publish(self) -> None:
        """Take the public path over, atomically; from now on new connections come here."""
        self._own.rename(self.path)

    def serve(self) -> None:
        """Accept until :meth:`close`; call it in a thread of its own or as the process's last act."""
        while not self._closing:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                break
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def start(self) -> None:
        """Publish and serve in a daemon thread."""
        self.publish()
        threading.Thread(target=self.serve, name=f"wire-{self.path.name}", daemon=True).start()

    def close(self, grace: float = 5.0) -> None:
        """Accept no more, wait up to ``grace`` seconds for requests in progress."""
        self._closing = True
        with suppress(OSError):  # wakes accept(); on Linux closing alone does not
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._own.unlink(missing_ok=True)
        with self._idle:
            self._idle.wait_for(lambda: self._busy == 0, timeout=grace)

    def _converse(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while (request := receive(connection)) is not None:
                with self._idle:
                    self._busy += 1
                try:
                    connection.sendall(pack(self._answer(request)))
                finally:
                    with self._idle:
                        self._busy -= 1
                        self._idle.notify_all()

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        op = str(request.get("op"))
        handler = self._handlers.get(op)
        if handler is None:
            return {"error": {"code": "unknown_op", "detail": f"no operation {op!r} here"}}
        try:
            return {"ok": handler(request)}
        except errors.ApplianceError as error:
            return {"error": {"code": error.code, "detail": error.detail}}
        except Exception as error:
            _logger.exception("wire handler failed", op=op)
            return {"error": {"code": "broken", "detail": f"{type(error).__name__}: {error}"}}


class Client:
    """Calls a :class:`Server`; keeps idle connections, safe to share between threads."""

    def __init__(self, path: Path, timeout: float = 30.0) -> None:
        self.path = path
        self.timeout = timeout
        self._idle: list[tuple[socket.socket, int]] = []
        self._lock = threading.Lock()

    def call(self, op: str, *, timeout: float | None = None, **fields: object) -> Any:  # noqa: ANN401 - as received
        """The answer's value. Raises :class:`WireDown` when nobody answers, :class:`WireRefused` on its error.

        A kept connection that turns out dead (the process was replaced) is tried once more on a new one: every
        operation behind this wire is harmless to repeat.
        """
        frame = pack({"op": op, **fields})
        for fresh in (False, True):
            connection, inode = self._take(fresh=fresh)
            try:
                connection.settimeout(timeout or self.timeout)
                connection.sendall(frame)
                answer = receive(connection)
            except TimeoutError as error:
                connection.close()
                raise WireDown(f"{self.path.name}: no answer to {op!r} in time", retry_after=2) from error
            except OSError as error:
                connection.close()
                if fresh:
                    raise WireDown(f"{self.path.name}: {error}", retry_after=2) from error
                continue
            if answer is None:
                connection.close()
                continue
            self._keep(connection, inode)
            return self._value(answer)
        message = f"{self.path.name}: closed without an answer to {op!r}"
        raise WireDown(message, retry_after=2)

    def close(self) -> None:
        """Close the kept connections."""
        with self._lock:
            for connection, _ in self._idle:
                connection.close()
            self._idle.clear()

    @staticmethod
    def _value(answer: dict[str, Any]) -> Any:  # noqa: ANN401 - as received
        if "error" in answer:
            raise WireRefused(answer["error"]["code"], answer["error"]["detail"])
        return answer["ok"]

    def _inode(self) -> int:
        try:
            return os.stat(self.path).st_ino  # noqa: PTH116 - the hot path: no Path object a call
        except FileNotFoundError as error:
            message = f"{self.path.name}: the process has not started"
            raise WireDown(message, retry_after=2) from error

    def _take(self, *, fresh: bool) -> tuple[socket.socket, int]:
        inode = self._inode()
        with self._lock:
            while self._idle and not fresh:
                connection, known = self._idle.pop()
                if known == inode:
                    return connection, inode
                connection.close()  # a successor holds the path now
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(self.timeout)
        try:
            connection.connect(str(self.path))
        except OSError as error:
            connection.close()
            raise WireDown(f"{self.path.name}: {error}", retry_after=2) from error
        return connection, inode

    def _keep(self, connection: socket.socket, inode: int) -> None:
        with self._lock:
            self._idle.append((connection, inode))
