"""A proxy before PostgreSQL's socket that can lose its callers, or keep them and pass nothing on, as real ones do."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Relay:
    """Listens on a ``port`` of this machine."""

    def __init__(self, server: Path) -> None:
        self._server = server
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._callers: list[socket.socket] = []
        self._lost: list[socket.socket] = []
        self._servers: list[socket.socket] = []
        self._unheard: set[socket.socket] = set()
        self._hushed = False
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(self) -> None:
        """End every caller's connection, and tell the server nothing of it."""
        self._lost, self._callers = [*self._lost, *self._callers], []
        for caller in self._lost:
            with suppress(OSError):
                caller.shutdown(socket.SHUT_RDWR)

    def hush(self) -> None:
        """Keep every caller, those who come too, take what they send, and answer nothing from now on."""
        self._hushed = True
        self._unheard |= set(self._callers)

    def answer(self) -> None:
        """Those who come from now on are heard; who was not remains so."""
        self._hushed = False

    def close(self) -> None:
        """End all of it."""
        for one in (self._listening, *self._callers, *self._lost, *self._servers):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._listening.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._server))
                self._callers.append(caller)
                if self._hushed:
                    self._unheard.add(caller)
                self._servers.append(server)
                threading.Thread(target=self._pass_on, args=(caller, server, True), daemon=True).start()
                threading.Thread(target=self._pass_on, args=(server, caller, False), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, asks: bool) -> None:
        caller = source if asks else target
        with suppress(OSError):
            while piece := source.recv(1 << 16):
                if caller not in self._unheard:
                    target.sendall(piece)
        if not asks or source in self._callers:  # who left in order is told of; who was lost is not
            with suppress(OSError):
                target.shutdown(socket.SHUT_RDWR)


@contextmanager
def relaying(server: Path) -> Iterator[Relay]:
    """One for a while."""
    made = Relay(server)
    try:
        yield made
    finally:
        made.close()
