"""The whole web application in this process, on a real database, with two tenants and a key for each role."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from appliance.access.permissions import Action
from appliance.access.principal import Role, UserId
from appliance.access.web import Databases
from appliance.entry import web
from appliance.kit import clock
from appliance.kit.canonical import Canonical
from appliance.kit.database import Database
from appliance.kit.ids import uuid7
from appliance.kit.settings import LicensingSettings, Settings
from appliance.tenants import bootstrap
from appliance.tenants.keys import Limits
from appliance.tenants.service import Tenants
from tests.factories.licences import Vendor, terms
from tests.integration.conftest import Cluster


@dataclass(frozen=True, slots=True)
class House:
    """The keys of an operator, and of an editor, an administrator and a directory in each of two tenants."""

    operator: str
    sign_in: str
    one: UUID
    two: UUID
    member_of_one: str
    member_of_two: str
    admin_of_one: str
    admin_of_two: str
    scim_of_one: str
    scim_of_two: str

    @staticmethod
    def bearer(key: str) -> dict[str, str]:
        """The header that carries a key."""
        return {"Authorization": f"Bearer {key}"}


VENDOR = Vendor()


ROOM: dict[str, Canonical] = {"tenants": 100, "seats": 1000, "gpus": 2, "adapters": 8}


def licence_in_force(databases: Databases, **changed: Canonical) -> None:
    """A licence that is in force whatever it says: written as only who owns the database can."""
    raw = VENDOR.licence(**terms(int(clock.now().timestamp()), **changed))
    with databases.operator.session() as session:
        insert = text("insert into licence_files (id, file) values (:id, :file)")
        session.execute(insert, {"id": uuid7(), "file": raw.decode()})


def roomy(settings: Settings, databases: Databases) -> Settings:
    """The same appliance with a licence that has room for what tests make: settings that believe its vendor."""
    licence_in_force(databases, limits=ROOM)
    return settings.model_copy(update={"licensing": LicensingSettings(root=VENDOR.pin(settings.data))})


def housed_by(session: Session) -> House:
    """Make the house in an operator session."""
    first = bootstrap.first_start(session)
    assert first is not None
    tenants = Tenants(session)
    made: list[tuple[UUID, str, str, str]] = []
    for name in ("one", "two"):
        tenant = tenants.create(name)
        people = tenants.people(tenant.id)
        user = people.add(f"member of {name}", "Member", Role.EDITOR)
        admin = people.add(f"admin of {name}", "Admin", Role.TENANT_ADMIN)
        keys = [people.issue_key(UserId(each.id), "test") for each in (user, admin)]
        scim = tenants.keys(tenant.id).create(admin.id, "SCIM", Limits(scopes=frozenset({Action.PROVISION_USERS})))
        made.append((tenant.id, keys[0], keys[1], scim.secret))
    (one, key_one, admin_one, scim_one), (two, key_two, admin_two, scim_two) = made
    return House(first.cli_key, first.sign_in, one, two, key_one, key_two, admin_one, admin_two, scim_one, scim_two)


@pytest.fixture(scope="session")
def housed(postgres: Cluster, migrated: str) -> tuple[str, House]:
    """The name of a database with a house in it, made once: each test would compile its statements anew."""
    name = f"template_{secrets.token_hex(6)}"
    postgres.create(name, migrated)
    database = Database(postgres.url("operator", name), pool_size=1)
    with database.session() as session:
        house = housed_by(session)
    database.close()  # of a database that somebody is connected to there is no copy
    return name, house


@pytest.fixture
def template(request: pytest.FixtureRequest, migrated: str) -> str:
    """With the house for tests that ask for one; whoever imports ``house`` imports this and ``housed`` too."""
    if "house" not in request.fixturenames:
        return migrated
    name: str = request.getfixturevalue("housed")[0]
    return name


@pytest.fixture
def house(housed: tuple[str, House]) -> House:
    return housed[1]


@pytest.fixture
def client(settings: Settings, databases: Databases) -> Iterator[TestClient]:
    with TestClient(web.build(roomy(settings, databases)), raise_server_exceptions=False) as client:
        yield client
