"""The web process: builds the application from the slices and serves it.

``python -m appliance.entry.web`` reads the settings; tests call :func:`build` with their own.
"""

import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import uvicorn
from fastapi import FastAPI

import appliance
import appliance.audit.api
import appliance.catalog.api
import appliance.chat.api
import appliance.jobs.api
import appliance.knowledge.api
import appliance.knowledge.api_archives
import appliance.knowledge.api_batches
import appliance.knowledge.api_glossary
import appliance.knowledge.api_life
import appliance.knowledge.api_originals
import appliance.knowledge.api_retention
import appliance.knowledge.api_revisions
import appliance.knowledge.api_search
import appliance.knowledge.api_sharing
import appliance.knowledge.connect
import appliance.knowledge.sources.api
import appliance.licensing.api
import appliance.serving.api
import appliance.tenants.api
import appliance.tenants.directory.api_oidc
import appliance.tenants.directory.api_scim
import appliance.usage.api
from appliance.access.web import Databases
from appliance.chat.answering import Answering
from appliance.chat.likeness import EncoderLikeness
from appliance.chat.retrieval import KnowledgeRetrieval
from appliance.drivers.broker import CeleryBell
from appliance.drivers.stopwatch import ValkeyStopwatch
from appliance.drivers.vectors.remote import RemoteVectors
from appliance.entry import bodies, edge, fence, front, handlers, health, metrics
from appliance.entry.description import Described
from appliance.entry.direct import Direct
from appliance.entry.drainer import Beside
from appliance.entry.fence import Fence
from appliance.entry.http import bounded
from appliance.entry.up_checks import check_address
from appliance.jobs.ringing import ring_after_commit
from appliance.kit import log, offload, settings
from appliance.kit.database import Database
from appliance.kit.errors import ApplianceError
from appliance.kit.priority import settle
from appliance.kit.settings import Settings
from appliance.kit.wire import Client
from appliance.knowledge import life
from appliance.knowledge.sources import tasks as sources
from appliance.knowledge.told import about_readable
from appliance.licensing.asking import Licences
from appliance.licensing.place import Place
from appliance.serving import description, gateway
from appliance.serving.connect import embeddings, engines
from appliance.tenants import second_factors
from appliance.tenants.authentication import Authenticator
from appliance.tenants.directory import tasks as directory
from appliance.tenants.directory.ldap_desk import LdapDesk
from appliance.tenants.directory.signing_in import OidcSignIns
from appliance.tenants.room import Room
from appliance.tenants.signing_in import Doors
from appliance.usage import quotas
from appliance.usage.connect import budgets
from appliance.usage.keeper import Keeper
from appliance.usage.service import Usage

_logger = log.get(__name__)
UNAUTHENTICATED = frozenset(
    {
        "/healthz",
        "/readyz",
        "/api/v1/invitations/accept",
        "/api/v1/login",
        "/api/v1/oidc/callback",
        "/api/v1/oidc/{of_tenant}/start",
        "/api/v1/openapi.json",
    }
)

ROUTERS = (
    front.router,
    health.router,
    metrics.router,
    appliance.audit.api.router,
    appliance.catalog.api.router,
    appliance.chat.api.router,
    appliance.jobs.api.router,
    appliance.knowledge.api.router,
    appliance.knowledge.api_archives.router,
    appliance.knowledge.api_batches.router,
    appliance.knowledge.api_glossary.router,
    appliance.knowledge.api_life.router,
    appliance.knowledge.api_originals.router,
    appliance.knowledge.api_search.router,
    appliance.knowledge.api_retention.router,
    appliance.knowledge.api_revisions.router,
    appliance.knowledge.api_sharing.router,
    appliance.knowledge.sources.api.router,
    appliance.licensing.api.router,
    appliance.serving.api.router,
    appliance.tenants.api.router,
    appliance.tenants.api_invitations.pages,
    appliance.tenants.directory.api_oidc.router,
    appliance.tenants.directory.api_scim.router,
    appliance.usage.api.router,
)


def describe() -> FastAPI:
    """The application without its collaborators: enough for its description."""
    app = Described(
        title="Appliance",
        version=appliance.__version__,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.open_paths = UNAUTHENTICATED
    app.besides = description.added
    edge.install(app)
    app.router.routes.extend(gateway.ADDRESSES)  # first: they are asked most
    for router in ROUTERS:
        app.router.routes.extend(router.routes)  # as they are: `include_router` would make each of them once more
    taking = bodies.uploads(app.routes)
    app.add_middleware(bodies.Bodies, open_paths=UNAUTHENTICATED, own_paths=gateway.OWN_BODIES, uploads=taking)
    app.add_middleware(Direct, addresses=gateway.BY_PATH)
    app.add_middleware(fence.Fenced)
    app.add_middleware(edge.Edge, counted=gateway.OWN_BODIES)
    return app


def build(configured: Settings) -> FastAPI:
    """The application, its collaborators in ``app.state``."""
    app = describe()
    layout = configured.layout
    databases = Databases(
        Database.of(configured, "app"), Database.of(configured, "operator"), Database.of(configured, "system")
    )
    app.state.settings = configured
    app.state.databases = databases
    app.state.authenticate = app.state.credentials = Authenticator(databases.system)
    app.state.fence = Fence(app.state.credentials)
    app.state.credentials.rang = app.state.fence.ring
    app.state.licences = Licences(databases.system, Place.of(configured))
    app.state.kept = partial(life.holding, databases.system)
    app.state.succeed = quotas.succeed
    app.state.room = Room(app.state.licences, databases.system)
    sealing = directory.sealed_by(configured)
    app.state.oidc = OidcSignIns(databases, sealing, app.state.room)
    app.state.ldap = LdapDesk(databases, sealing)
    app.state.doors = Doors(app.state.ldap.prove, second_factors.sealed_by(configured), app.state.ldap.pretend)
    app.state.sources_seal = sources.sealed_by(configured)
    app.state.usage = Usage(layout.journal, databases.system)
    app.state.drainer = None
    app.state.stopwatch = ValkeyStopwatch(configured.broker_url)
    app.state.budgets = budgets(databases.system, app.state.stopwatch)
    app.state.keeper = Keeper(app.state.budgets)
    app.state.engines = engines(configured, databases.system, app.state.usage.record, app.state.budgets)
    app.state.embeddings = embeddings(configured, app.state.usage.record, app.state.budgets)
    app.state.bell = CeleryBell(configured.broker_url)
    app.state.endings = handlers.registry().endings
    app.state.jobs_readable = about_readable
    app.state.blobs = appliance.knowledge.connect.blobs(configured)
    app.state.archives = appliance.knowledge.connect.archives(configured)
    app.state.passages = appliance.knowledge.connect.retrieval(
        configured, databases.app, RemoteVectors(Client(layout.index_socket))
    )
    app.state.answering = Answering(
        databases.app,
        KnowledgeRetrieval(app.state.passages),
        app.state.engines,
        likeness=EncoderLikeness(appliance.knowledge.connect.encoder(configured)),
    )
    app.state.index_client = Client(layout.index_socket)
    app.state.encoder_client = Client(layout.encoder_socket)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    offload.configure(app.state.settings.web.threads)
    app.state.credentials.start()
    app.state.usage.start()
    if app.state.drainer is not None:
        app.state.drainer.start()
    await offload.run(app.state.keeper.start)
    stop_ringing = ring_after_commit(app.state.bell)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(app.state.fence.watch)
        yield
        tasks.cancel_scope.cancel()
    stop_ringing()
    await app.state.engines.close()
    app.state.embeddings.close()
    await offload.run(app.state.usage.stop)
    if app.state.drainer is not None:
        await offload.run(app.state.drainer.stop)
    await offload.run(app.state.keeper.stop)
    app.state.stopwatch.close()
    await offload.run(app.state.credentials.stop)
    app.state.databases.close()


def server(app: FastAPI, configured: Settings) -> uvicorn.Server:
    """The HTTP server.

    What a proxy says of its callers is believed of those alone that the settings name: uvicorn would believe whatever
    any program of this machine says, and with it the address that failed sign-ins are counted for.
    """
    web = configured.web
    config = uvicorn.Config(
        app,
        http=bounded(web),
        proxy_headers=bool(web.proxies),
        forwarded_allow_ips=web.proxies,
        host=web.host,
        port=web.port,
        ssl_certfile=web.certificate,
        ssl_keyfile=web.key,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=10,
        server_header=False,
    )
    return uvicorn.Server(config)


def spool(directory: Path) -> None:
    """Let forms' files lie there until they are read: /tmp is another's to look at, and often memory."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    tempfile.tempdir = str(directory)


def main() -> int:
    """Serve until SIGTERM; 1 with the reason in the log for an address that must not be served."""
    configured = settings.load()
    log.configure("web", configured.log_level)
    try:
        check_address(configured.web)  # `up` has, but nothing makes anyone start us through it
    except ApplianceError as error:
        _logger.critical("web cannot start", reason=error.detail, advice=error.advice)
        return 1
    spool(configured.layout.spool)
    app = build(configured)
    app.state.drainer = Beside(configured)
    settle()
    server(app, configured).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
