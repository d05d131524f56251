"""Building the engines of a web process from its settings."""

from uuid import UUID

from appliance.drivers.vllm.client import SocketUpstream
from appliance.kit import crypto
from appliance.kit.database import Database
from appliance.kit.settings import Settings
from appliance.serving.directory import Directory
from appliance.serving.inference import Record
from appliance.serving.launch import KEY
from appliance.serving.service import Engines

SALT = "cache-salt"


def engines(settings: Settings, app: Database, record: Record) -> Engines:
    """Engines behind their sockets in ``run/``; ``record`` writes usage down. Close it inside the event loop."""
    layout = settings.layout

    def connect(deployment: UUID) -> SocketUpstream:
        return SocketUpstream(layout.engine_socket(deployment), crypto.kept(layout.secret(KEY)))

    return Engines(Directory(app), connect, record, crypto.kept(layout.secret(SALT)).encode())
