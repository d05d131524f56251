"""What a new appliance serves: the configured encoder and language model registered, one deployment, two routes."""

from sqlalchemy.orm import Session

from appliance.catalog.service import Catalog
from appliance.drivers.vllm.arguments import EngineSettings
from appliance.kit.settings import Settings
from appliance.serving.deployments import Deployments
from appliance.serving.routes import DEFAULT


def ensure(session: Session, settings: Settings) -> None:
    """Make what is missing, in an operator session; harmless to repeat, and quick when there is nothing to do.

    A model whose directory in the store holds another version than before is registered, and its deployment moved to
    it. Raises ``BadManifest`` or ``Tampered`` when the store is not as it should be; nothing is changed then.
    """
    catalog = Catalog(session)
    encoder = catalog.register(settings.model_store / settings.encoder.model)
    version = catalog.register(settings.model_store / settings.engine.model)
    for found in (encoder, version):
        catalog.activate_harmless(found.id)  # of any other an operator must accept the licence first
    deployments = Deployments(session)
    deployment = deployments.ensure(version.name, version.id, EngineSettings(eager=settings.engine.eager).to_json())
    for route in (DEFAULT, version.name):
        deployments.ensure_route(route, deployment)
