"""What ``/metrics`` tells of an index that holds another encoder's passages."""

from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.drivers.vectors.memory import MemoryVectors
from appliance.kit import crypto
from appliance.kit.settings import Settings
from appliance.knowledge import connect
from appliance.knowledge.projection import Projection
from tests.factories import models
from tests.factories.corpus import Library

NAME = "appliance_index_passages_of_another_encoder"


def _told(client: TestClient, settings: Settings) -> list[float]:
    key = crypto.kept(settings.layout.secret("metrics-key"))
    lines = client.get("/metrics", headers={"Authorization": f"Bearer {key}"}).text.splitlines()
    return [float(line.split()[1]) for line in lines if line.startswith(f"{NAME} ")]


def test_it_counts_passages_of_another_encoder_and_nothing_without_one(
    client: TestClient, databases: Databases, settings: Settings
) -> None:
    library = Library(databases, 8, encoder="former@1")
    library.ingest(5)
    Projection(databases.system, MemoryVectors(8)).apply(0, flips=True)
    assert _told(client, settings) == [], "no encoder is in the model store"
    models.model(settings.model_store, settings.encoder.model, "encoder")
    assert _told(client, settings) == [5]
    library.encoder = connect.encoder_name(settings)
    library.ingest(7)
    Projection(databases.system, MemoryVectors(8)).apply(0, flips=True)
    assert _told(client, settings) == [5]
