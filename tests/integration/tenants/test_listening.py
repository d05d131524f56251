"""What was remembered of a key is dropped by a change at once, and not kept while no change would be heard."""

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from appliance.access.web import Databases
from appliance.kit import clock, crypto
from appliance.tenants import bootstrap
from appliance.tenants.authentication import CACHE_SECONDS, Authenticator
from appliance.tenants.errors import BadCredential
from tests.factories.processes import until
from tests.integration.conftest import Cluster


@pytest.fixture
def authenticate(databases: Databases) -> Iterator[Authenticator]:
    made = Authenticator(databases.system)
    made.start()
    until(lambda: made._listener.hears, 20)
    yield made
    made.stop()


@pytest.fixture
def key(databases: Databases) -> str:
    with databases.operator.session() as session:
        first = bootstrap.first_start(session)
    assert first is not None
    return first.cli_key


@pytest.mark.parametrize(
    "change",
    [
        "update api_keys set revoked_at = now()",
        "update users set state = 'suspended'",
        "update tenants set state = 'suspended'",
    ],
)
def test_a_change_is_heard_long_before_two_seconds(
    databases: Databases, authenticate: Authenticator, key: str, change: str
) -> None:
    authenticate(key)
    with databases.operator.session() as session:
        session.execute(text(change))
    until(lambda: not authenticate._known, 1)
    with pytest.raises(BadCredential):
        authenticate(key)


def test_noting_that_a_key_is_in_use_rings_for_nobody(
    databases: Databases, authenticate: Authenticator, key: str
) -> None:
    before = authenticate._changes
    authenticate(key)
    assert authenticate._changes == before
    assert crypto.digest(key) in authenticate._known


def test_a_lost_connection_forgets_all_and_is_made_again(
    postgres: Cluster, authenticate: Authenticator, key: str
) -> None:
    authenticate(key)
    before = authenticate._changes
    with postgres.superuser() as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where query = 'listen \"credentials\"' and datname like 'test_%'"
        )
    until(lambda: authenticate._changes >= before + 2, 20)  # once when it was lost, once when it was made again
    until(lambda: authenticate._listener.hears, 20)
    authenticate(key)
    assert crypto.digest(key) in authenticate._known


def test_a_key_that_is_asked_for_all_the_time_is_looked_up_beside_its_requests(
    authenticate: Authenticator, key: str
) -> None:
    """Once each two seconds everybody who came in that moment had looked it up by himself."""
    authenticate(key)
    first = authenticate._known[crypto.digest(key)][0]
    ends = clock.monotonic() + 3 * CACHE_SECONDS
    while clock.monotonic() < ends:
        assert authenticate.recall(key) is not None
        time.sleep(0.01)
    assert authenticate._known[crypto.digest(key)][0] > first + CACHE_SECONDS


def test_a_key_that_is_no_longer_good_ends_where_it_is_looked_up_beside_its_requests(
    databases: Databases, authenticate: Authenticator, key: str
) -> None:
    authenticate(key)
    with databases.operator.session() as session:
        session.execute(text("update api_keys set revoked_at = now()"))
    until(lambda: authenticate.recall(key) is None, CACHE_SECONDS)
    with pytest.raises(BadCredential):
        authenticate(key)
