"""An HTTP server in a thread of the tests, on a port that the kernel chose."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from tests.factories.processes import until


@contextmanager
def listening(server: uvicorn.Server) -> Iterator[int]:
    """Serve until the block ends; the port of 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            until(lambda: server.started or not thread.is_alive(), 60)
            assert thread.is_alive(), "the server ended before it was there"
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()
