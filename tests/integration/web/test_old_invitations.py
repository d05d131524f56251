"""Invitations that ended long ago are forgotten by the sweep; one that somebody may still come by never is."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.entry import handlers, web
from appliance.kit.settings import Settings
from appliance.tenants import invitations
from tests.factories.processes import until
from tests.integration.web.conftest import House, roomy
from tests.integration.web.desk import Desk
from tests.integration.web.test_invitations import come, invited

KEEP = timedelta(days=90)
MOMENTS = ("created_at", "expires_at", "accepted_at", "revoked_at")
AGED = text(f"update invitations set {', '.join(f'{name} = {name} - :by' for name in MOMENTS)}")  # noqa: S608 - names


@pytest.fixture
def client(settings: Settings, databases: Databases) -> Iterator[TestClient]:
    with TestClient(web.build(roomy(settings, databases))) as client:
        yield client


@pytest.fixture
def asked(client: TestClient, house: House) -> list[str]:
    """Four people of tenant one, of whom one came, one may not and two are awaited; one of tenant two, who came."""
    one, two = Desk(client, house.admin_of_one), Desk(client, house.admin_of_two)
    made = {login: invited(one, house.one, login) for login in ("came", "revoked", "pending", "late")}
    assert come(client, made["came"]["link"])[0] == 201
    assert one("DELETE", f"/{house.one}/invitations/{made['revoked']['id']}")[0] == 200
    assert come(client, invited(two, house.two, "other")["link"])[0] == 201
    return ["came", "late", "other", "pending", "revoked"]


def aged(superuser: Engine, by: timedelta) -> None:
    """Let everything have happened so much earlier."""
    with superuser.begin() as connection:
        connection.execute(AGED, {"by": by})


def renewed(superuser: Engine, login: str) -> None:
    """Let this one's link be good again."""
    with superuser.begin() as connection:
        query = text("update invitations set expires_at = now() + interval '7 days' where login = :login")
        connection.execute(query, {"login": login})


def left(databases: Databases) -> list[str]:
    with databases.operator.session() as session:
        return list(session.execute(text("select login from invitations order by login")).scalars())


def test_what_ended_long_ago_goes_and_who_may_still_come_stays(
    databases: Databases, settings: Settings, superuser: Engine, asked: list[str]
) -> None:
    def sweep() -> None:
        for chore in handlers.chores(settings):
            with databases.system.session() as session:
                chore(session)

    sweep()
    assert left(databases) == asked
    aged(superuser, KEEP + timedelta(hours=1))  # those without an end end seven days after they were made
    renewed(superuser, "pending")
    sweep()
    assert left(databases) == ["late", "pending"]
    aged(superuser, timedelta(days=6))
    sweep()
    assert left(databases) == ["late", "pending"]
    aged(superuser, timedelta(days=1))
    sweep()
    assert left(databases) == ["pending"]


def test_a_person_who_came_stays_when_the_invitation_is_forgotten(
    client: TestClient, databases: Databases, superuser: Engine, house: House, asked: list[str]
) -> None:
    aged(superuser, KEEP * 2)
    with databases.system.session() as session:
        assert invitations.forget(session, KEEP) == len(asked)
    desk = Desk(client, house.admin_of_one)
    assert "came" in [user["login"] for user in desk("GET", f"/{house.one}/users")[1]["items"]]
    assert desk("GET", f"/{house.one}/invitations")[1]["items"] == []


def test_no_more_than_a_batch_goes_at_once(databases: Databases, superuser: Engine, asked: list[str]) -> None:
    aged(superuser, KEEP * 2)
    with databases.system.session() as session:
        assert [invitations.forget(session, KEEP, 3) for _ in range(3)] == [3, 2, 0]


def test_one_that_is_renewed_at_the_same_moment_stays(
    databases: Databases, superuser: Engine, asked: list[str]
) -> None:
    aged(superuser, KEEP * 2)
    forgotten: list[int] = []

    def forget() -> None:
        with databases.system.session() as session:
            forgotten.append(invitations.forget(session, KEEP))

    waiting = text(
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    )
    with superuser.begin() as connection:
        connection.execute(text("update invitations set expires_at = now() + interval '7 days' where login = 'late'"))
        thread = threading.Thread(target=forget)
        thread.start()
        with superuser.execution_options(isolation_level="AUTOCOMMIT").connect() as other:  # else the first look stays
            until(lambda: bool(other.execute(waiting).scalar()))
    thread.join()
    assert forgotten == [len(asked) - 1]
    assert left(databases) == ["late"]
