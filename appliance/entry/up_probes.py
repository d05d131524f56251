"""Whether a part can be used yet. Each probe answers at once: empty when it can, else what the part is doing."""

import http.client
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from appliance.drivers import valkey
from appliance.drivers.postgres import Postgres
from appliance.kit.errors import ApplianceError
from appliance.kit.layout import Layout
from appliance.kit.settings import WebSettings
from appliance.kit.wire import Client

Probe = Callable[[], str]
PATIENCE = 1.0
LIVING = 5.0
"""Seconds in which a part that lives answers, unless the machine has far too much to do."""
LOADING = "loading"


def probes(layout: Layout, web: WebSettings, server: Postgres) -> Mapping[str, Probe]:
    """One for each part that does not end by itself."""
    return {
        "postgres": server.probe,
        "valkey": lambda: valkey.probe(layout),
        "index": lambda: answers(Client(layout.index_socket, PATIENCE)),
        "encoder": lambda: answers(Client(layout.encoder_socket, PATIENCE)),
        "web": lambda: serves(web),
        "worker": lambda: wrote(layout, "worker"),
        "engines": lambda: engines(layout),
    }


def living(layout: Layout, web: WebSettings) -> Mapping[str, Callable[[], bool]]:
    """Whether a part that was ready still does anything; being asked, it need not be able to answer well."""
    return {
        "web": lambda: bool(status(web, LIVING)),
        "encoder": lambda: pings(Client(layout.encoder_socket, LIVING)),
        "index": Beats(layout.beat("index")),
        "worker": Beats(layout.beat("worker")),
    }


class Beats:
    """A process that nobody calls: it touches a file in every turn of its loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = 0

    def __call__(self) -> bool:
        """Whether it did since it was last looked at. By what changed, not by the clock, which may jump."""
        before, self._seen = self._seen, self._path.stat().st_mtime_ns if self._path.exists() else 0
        return self._seen not in (0, before)


def pings(client: Client) -> bool:
    """A process behind a socket of ours, ready or not."""
    try:
        client.call("ping")
    except ApplianceError:
        return False
    finally:
        client.close()
    return True


def answers(client: Client) -> str:
    """A process behind a socket of ours: it may answer before it is ready, and says so."""
    try:
        told = client.call("ping")
    except ApplianceError:
        return LOADING
    finally:
        client.close()
    return "" if not isinstance(told, dict) or told.get("ready", True) else LOADING


def wrote(layout: Layout, name: str) -> str:
    """A process that nobody calls: it writes ``run/<name>.ready``."""
    return "" if (layout.run / f"{name}.ready").exists() else LOADING


def engines(layout: Layout) -> str:
    """The engine host is ready when each engine that it started is; the engine client would bring aiohttp along."""
    sockets = sorted(layout.run.glob("engine-*.sock"))
    warm = all(path.with_suffix(".warm").exists() for path in sockets)
    return "" if sockets and warm and all(well(path) for path in sockets) else LOADING


def well(path: Path) -> bool:
    """``GET /health`` over a Unix socket."""
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(PATIENCE)
        try:
            stream.connect(str(path))
            asked = http.client.HTTPConnection("engine")
            asked.sock = stream
            asked.request("GET", "/health")
            return asked.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False


def serves(web: WebSettings) -> str:
    """Whether the web process says that it is well."""
    told = status(web, PATIENCE)
    return {0: LOADING, http.HTTPStatus.OK: ""}.get(told, f"answers {told}")


def status(web: WebSettings, patience: float) -> int:
    """Of ``GET /healthz``; 0: no answer. Over TLS the certificate's name is not checked: it is our own process here."""
    try:
        with closing(connection(web, patience)) as asked:
            asked.request("GET", "/healthz")
            return asked.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0


def connection(web: WebSettings, patience: float = PATIENCE) -> http.client.HTTPConnection:
    """To our own web process, whatever address it listens on."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(web.host, web.host)  # noqa: S104 - compared, not bound
    if web.certificate is None:
        return http.client.HTTPConnection(host, web.port, timeout=patience)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, web.port, timeout=patience, context=context)


def address(web: WebSettings) -> str:
    """Where a browser finds it."""
    host = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(web.host, web.host)  # noqa: S104 - compared, not bound
    return f"{'https' if web.certificate else 'http'}://{f'[{host}]' if ':' in host else host}:{web.port}"
