"""Building the engines of a web process from its settings."""

from appliance.drivers.vllm.client import SocketUpstream
from appliance.kit import crypto
from appliance.kit.database import Database
from appliance.kit.settings import Settings
from appliance.serving import adapters
from appliance.serving.directory import Directory
from appliance.serving.inference import Record
from appliance.serving.launch import KEY
from appliance.serving.meters import Meters
from appliance.serving.routing import Replica
from appliance.serving.service import Bounds, Engines
from appliance.serving.vectors import Embeddings, open_encoder
from appliance.usage.budgets import Reserving

SALT = "cache-salt"


def engines(settings: Settings, system: Database, record: Record, budgets: Reserving | None = None) -> Engines:
    """Engines behind their sockets in ``run/``; ``record`` writes usage down. Close it inside the event loop."""
    layout = settings.layout

    def connect(replica: Replica) -> SocketUpstream:
        return SocketUpstream(layout.engine_socket(replica.id), crypto.kept(layout.secret(KEY)), replica.address)

    salt = crypto.kept(layout.secret(SALT)).encode()
    meters = Meters(tenants=settings.metrics.tenants)
    directory = Directory(system, known=adapters.of(settings))
    return Engines(directory, connect, record, salt, Bounds(budgets, settings.gateway, meters))


def embeddings(settings: Settings, record: Record, budgets: Reserving | None = None) -> Embeddings:
    """The encoder's process, as the model that lies in the store."""
    found = open_encoder(settings.model_store, settings.encoder.model, settings.layout.encoder_socket)
    return Embeddings(found, record, budgets)
