"""Whose address is written down of a caller: the connection's, or what a proxy says that the settings name."""

import httpx
import pytest
from sqlalchemy import text

from appliance.access.web import Databases
from appliance.kit.settings import Settings
from tests.integration.web.conftest import House
from tests.integration.web.test_bodies import served


@pytest.mark.parametrize(("proxies", "source"), [("", "127.0.0.1"), ("127.0.0.1", "203.0.113.7")])
def test_a_program_of_this_machine_does_not_choose_the_address_that_is_written_down(
    settings: Settings, databases: Databases, house: House, proxies: str, source: str
) -> None:
    """A failed sign-in is counted for the address: who may name another one at will is never blocked."""
    named = settings.model_copy(update={"web": settings.web.model_copy(update={"proxies": proxies})})
    with served(named) as (host, port):
        body, told = {"token": house.sign_in}, {"x-forwarded-for": "203.0.113.7"}
        answer = httpx.post(f"http://{host}:{port}/api/v1/login", json=body, headers=told, trust_env=False)
        assert answer.status_code == 201
    query = text("select source from audit_entries where action = 'sign_in'")
    with databases.operator.session() as session:
        assert session.execute(query).scalars().all() == [source]
