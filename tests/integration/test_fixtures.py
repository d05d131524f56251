"""The databases that integration tests get are empty, of their own, and at the newest schema."""

import pytest
from sqlalchemy import text

from appliance.access.web import Databases
from appliance.drivers.broker import CeleryBell
from appliance.entry import schema
from appliance.kit.database import Database, address
from appliance.kit.settings import Settings
from appliance.tenants.service import Tenants


@pytest.mark.parametrize("turn", ["first", "second"])
def test_each_test_finds_a_database_without_rows(databases: Databases, turn: str) -> None:
    with databases.operator.session() as session:
        assert session.execute(text("select count(*) from tenants")).scalar_one() == 0
        Tenants(session).create(f"left behind by the {turn}")


def test_the_schema_is_the_newest(settings: Settings, owner: Database) -> None:
    assert schema.current(address(settings, "owner")) == schema.head()
    with owner.session() as session:
        assert session.execute(text("select current_user")).scalar_one() == "appliance_owner"


def test_the_broker_answers(brokered: Settings) -> None:
    assert CeleryBell(brokered.broker_url).waiting() == 0
