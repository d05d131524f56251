"""Two tenants that have a row in every table, a key for each role, and the whole application before them.

The index and the engine are the doubles in memory, so that questions and searches are answered too.
"""

import io
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from uuid import UUID

import numpy as np
from sqlalchemy import Connection, Engine, MetaData, insert, select, text, update
from starlette.testclient import TestClient

from appliance.access.permissions import Action
from appliance.access.principal import Role, UserId
from appliance.access.web import Databases
from appliance.chat.answering import Answering
from appliance.chat.retrieval import KnowledgeRetrieval
from appliance.drivers.blobs import DirectoryBlobs
from appliance.drivers.encoder.hashed import HashedEncoder
from appliance.drivers.vectors.memory import MemoryVectors
from appliance.drivers.vectors.port import Point, Sparse
from appliance.entry import web
from appliance.kit import clock
from appliance.kit.database import Base
from appliance.kit.ids import uuid7
from appliance.kit.settings import EncoderSettings, EngineSettings, Settings
from appliance.knowledge.access import Index
from appliance.knowledge.retrieval import Retrieval
from appliance.serving import bootstrap as serving
from appliance.serving import repository
from appliance.serving.directory import Directory
from appliance.serving.service import Engines
from appliance.serving.tables import DeploymentRow
from appliance.tenants import bootstrap
from appliance.tenants.keys import Limits
from appliance.tenants.service import Tenants
from tests.factories import models
from tests.factories.engine import Spoken, SpokenUpstream
from tests.factories.rows import Planted, plant

ROLES = (Role.TENANT_ADMIN, Role.EDITOR, Role.MEMBER)


@dataclass(frozen=True, slots=True)
class Household:
    """A tenant, what it has, a key of each role in it and its directory's. ``known``: every id and name of its own."""

    planted: Planted
    keys: Mapping[Role, str]
    directory: str
    known: frozenset[str]

    def key(self, role: Role, path: str) -> str:
        """The key of a role; where only a directory may, its administrator's."""
        return self.directory if path.startswith("/scim/") and role == Role.TENANT_ADMIN else self.keys[role]

    @property
    def tenant(self) -> UUID:
        """Its id."""
        return self.planted.tenant

    @property
    def ids(self) -> dict[str, UUID]:
        """Of each table the id of its row."""
        return {**self.planted.ids, "tenants": self.planted.tenant}


class Town:
    """The appliance with its tenants ``one`` and ``two``; an operator and an auditor in its ``home``."""

    def __init__(
        self, settings: Settings, databases: Databases, superuser: Engine, tables: MetaData, store: Path
    ) -> None:
        self.databases = databases
        self.tables = tables
        self._superuser = superuser
        self._stack = ExitStack()
        self._encoder, self._vectors = HashedEncoder(), MemoryVectors(384)
        self._blobs = DirectoryBlobs(settings.layout.blobs)
        self.app = web.build(settings)
        self._doubles(settings, store)
        with databases.operator.session() as session:
            first = bootstrap.first_start(session)
            assert first is not None
            home = next(each for each in Tenants(session).list(None, 50).items if each.name == "home")
            people = Tenants(session).people(home.id)
            auditor = people.issue_key(UserId(people.add("auditor", "Auditor", Role.AUDITOR).id), "test")
        self.officials: Mapping[Role, str] = {Role.OPERATOR: first.cli_key, Role.AUDITOR: auditor}
        self.one, self.two = self.settle("one"), self.settle("two")

    def __enter__(self) -> Self:
        self.client = self._stack.enter_context(TestClient(self.app, raise_server_exceptions=False))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def _doubles(self, settings: Settings, store: Path) -> None:
        """An index and an engine inside this process; the engine's rows say that it runs."""
        configured = settings.model_copy(
            update={
                "models": models.store(store),
                "engine": EngineSettings(model=models.LANGUAGE),
                "encoder": EncoderSettings(model=models.ENCODER),
            }
        )
        state, app = self.app.state, self.databases.app
        with self.databases.operator.session() as session:
            serving.ensure(session, configured)
            session.execute(update(Base.metadata.tables["deployments"]).values(actual="running", seen_at=clock.now()))
        with self.databases.system.session() as session:  # an engine that all share, with an adapter of each
            for row in session.scalars(select(DeploymentRow)):
                told = {"model_version_id": row.model_version_id, "engine": row.engine, "actual": "running"}
                repository.report_replica(session, row.id, row.id, in_service=False, **told)
        upstream = SpokenUpstream(Spoken(("The", "limit", "is", "140.")))
        state.engines = Engines(Directory(app), lambda _: upstream, state.usage.record, b"salt")
        state.passages = Retrieval(app, Index(self._vectors), self._encoder)
        state.answering = Answering(app, KnowledgeRetrieval(state.passages), state.engines)

    def settle(self, name: str) -> Household:
        """A new tenant with a row in every table. Its editor is the user whose things they are."""
        tag = uuid7().hex[-12:]
        with self.databases.operator.session() as session:
            tenants = Tenants(session)
            tenant = tenants.create(f"people-{tag} {name}").id
            people = tenants.people(tenant)
            users = {role: people.add(f"people-{tag} {role}", f"people-{tag}", role).id for role in ROLES}
            keys = {role: people.issue_key(UserId(user), f"people-{tag}") for role, user in users.items()}
            limits = Limits(scopes=frozenset({Action.PROVISION_USERS}))
            directory = tenants.keys(tenant).create(users[Role.TENANT_ADMIN], f"people-{tag}", limits).secret
            spare = f"people-{tag} spare"  # a key that may be revoked, and the attack goes on
            people.issue_key(UserId(users[Role.EDITOR]), spare)
        planted = Planted(tenant, f"content-{tag}", f"people-{tag}")
        with self._superuser.begin() as connection:
            of_editor = {"id": users[Role.EDITOR], "tenant_id": tenant}
            key = connection.execute(text("select id from api_keys where name = :name"), {"name": spare}).scalar()
            planted.rows |= {"users": of_editor, "api_keys": {"id": key, "tenant_id": tenant}}
            plant(connection, self.tables, planted)
            made = planted.ids
            link = {**planted.rows["directory_links"], "id": uuid7(), "user_id": None, "group_id": made["groups"]}
            connection.execute(insert(self.tables.tables["directory_links"]).values(link))
            statement = "update documents set current_revision = :revision where id = :id"
            connection.execute(text(statement), {"revision": made["revisions"], "id": made["documents"]})
            statement = "update batches set collection_id = :collection where id = :id"  # it is no foreign key
            connection.execute(text(statement), {"collection": made["collections"], "id": made["batches"]})
            name = f"{tenant.hex[-12:]}.{made['adapters'].hex}.{planted.rows['adapters']['digest'][:12]}"
            loading = text("update replicas set adapters = array_append(adapters, :name), reason = :reason")
            connection.execute(loading, {"name": name, "reason": f"content-{tag} is not as it was"})
            connection.execute(
                text("update deployments set reason = :reason"), {"reason": f"content-{tag} is tampered"}
            )
            self._original(connection, planted)
        self._index(planted)
        ids = {value for row in planted.rows.values() for value in row.values() if isinstance(value, UUID)}
        known = {str(value) for value in ids - planted.borrowed}
        known |= {planted.content, planted.people, *map(str, users.values())}
        return Household(planted, keys, directory, frozenset(known))

    def _original(self, connection: Connection, planted: Planted) -> None:
        """The file of its document, so that it can be fetched."""
        staged = self._blobs.stage(planted.tenant, io.BytesIO(f"{planted.content} in the file".encode()), 1000)
        self._blobs.keep(staged)
        revision = planted.rows["revisions"]
        revision["sha256"] = staged.sha256
        connection.execute(text("update revisions set sha256 = :sha256 where id = :id"), revision)

    def _index(self, planted: Planted) -> None:
        chunk = planted.rows["chunks"]
        nothing = Sparse(np.zeros(0, np.uint32), np.zeros(0, np.float32))
        dense = self._encoder.encode([chunk["text"]])[0]
        point = Point(
            chunk["id"],
            planted.tenant,
            chunk["collection_id"],
            chunk["document_id"],
            chunk["revision_id"],
            ("everyone",),
            dense,
            nothing,
        )
        self._vectors.upsert([point])

    def more(self, table: str, rows: list[dict[str, object]]) -> None:
        """Write more rows into one table."""
        with self._superuser.begin() as connection:
            connection.execute(insert(self.tables.tables[table]), rows)

    def rows_of(self, household: Household) -> dict[str, list[tuple[object, ...]]]:
        """Every row of a tenant, table by table, as the superuser sees them."""
        found = {}
        with self._superuser.connect() as connection:
            for table in self.tables.sorted_tables:
                own = "id" if table.name == "tenants" else "tenant_id"
                if own in table.columns:
                    query = table.select().where(table.columns[own] == household.tenant)
                    found[table.name] = sorted((tuple(row) for row in connection.execute(query)), key=repr)
        return found
