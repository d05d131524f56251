"""``/metrics`` in Prometheus' text form: the gateway's own counters and each engine's.

For this machine, and for who has the key of ``secrets/metrics-key``. A request that a proxy passed on comes from this
machine too: it says so in a header, and then needs the key.
"""

import hmac
from ipaddress import ip_address
from typing import Final

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy.exc import DBAPIError

from appliance.access.web import Databases, bearer
from appliance.drivers.vllm.control import EngineControl
from appliance.kit import crypto
from appliance.kit.errors import Unauthenticated
from appliance.kit.settings import Settings
from appliance.knowledge import connect, encoded, lists
from appliance.serving.engine_metrics import collected
from appliance.serving.service import Engines

KEY: Final = "metrics-key"
_PASSED_ON: Final = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
ACCESS: Final = {
    "appliance_access_changes_waiting": "Documents whose change of access is not in the index yet; it is obeyed",
    "appliance_access_staleness_seconds": "Since when the oldest of these waits",
}
ENCODED: Final = {
    "appliance_index_passages_of_another_encoder": "Passages that are found by words alone until they are read again",
}
_TEXT: Final = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus' text form"}
}

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=Response, responses=_TEXT)  # type: ignore[arg-type] # FastAPI's own type is narrower
def metrics(request: Request) -> Response:
    """Tell what the gateway and the engines count: to this machine, or for the key in ``secrets/metrics-key``."""
    if not _near(request):
        _check(request)
    engines: Engines = request.app.state.engines
    own = generate_latest(engines.meters.registry)
    return Response(own + _index(request) + collected(_engines(request, engines)), media_type=CONTENT_TYPE_LATEST)


def _index(request: Request) -> bytes:
    """How far the index is behind the access lists and the encoder; nothing while PostgreSQL is away."""
    databases: Databases | None = getattr(request.app.state, "databases", None)
    registry = CollectorRegistry()
    if databases is None:
        return b""
    encoder = connect.encoder_name(request.app.state.settings)
    try:
        with databases.system.session() as session:
            values = [*zip(ACCESS.items(), lists.behind(session), strict=True)]
            if encoder is not None:
                values += zip(ENCODED.items(), [encoded.by_others(session, encoder)], strict=True)
    except DBAPIError:
        return b""
    for (name, told), value in values:
        Gauge(name, told, registry=registry).set(value)
    return generate_latest(registry)


def _near(request: Request) -> bool:
    """Whether a program of this machine asks, and no proxy for somebody else."""
    settings: Settings | None = getattr(request.app.state, "settings", None)
    if settings is None or not settings.metrics.loopback or any(name in request.headers for name in _PASSED_ON):
        return False
    try:
        return request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _check(request: Request) -> None:
    token = bearer(request).encode()
    settings: Settings | None = getattr(request.app.state, "settings", None)
    if settings is None or not hmac.compare_digest(token, crypto.kept(settings.layout.secret(KEY)).encode()):
        raise Unauthenticated("this is not the key of metrics")


def _engines(request: Request, engines: Engines) -> list[tuple[str, str, str]]:
    """Model, engine and what each says; an engine that does not answer says nothing."""
    layout = request.app.state.settings.layout
    found = {replica.id: (model, replica) for model, replica in engines.replicas()}
    return [
        (model, key.hex[-12:], EngineControl(layout.engine_socket(key), "", replica.address).metrics())
        for key, (model, replica) in found.items()
    ]
