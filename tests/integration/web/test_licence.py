"""What the licence closes and what it never does, through the real API: every point in every state."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from appliance.access.principal import Role
from appliance.access.web import Databases
from appliance.entry import web
from appliance.kit import clock
from appliance.kit.ids import uuid7
from appliance.kit.settings import LicensingSettings, Settings
from appliance.licensing.licence import DAY
from appliance.licensing.points import POINTS, Point, is_open
from appliance.licensing.states import State
from appliance.licensing.strict import moment
from appliance.tenants.service import Tenants
from tests.integration.web.conftest import VENDOR, House, licence_in_force

Told = tuple[int, dict[str, Any]]
STATES: dict[State, Callable[[Databases], None]] = {}


def state(which: State) -> Callable[[Callable[[Databases], None]], Callable[[Databases], None]]:
    """The function brings an appliance into this state."""

    def kept(function: Callable[[Databases], None]) -> Callable[[Databases], None]:
        STATES[which] = function
        return function

    return kept


def ends(days: int, grace: int = 30) -> dict[str, Any]:
    at = int(clock.now().timestamp())
    return {
        "limits": {"tenants": 100, "seats": 1000, "gpus": 2, "adapters": 8},
        "issued_at": moment(at - 400 * DAY),
        "not_before": moment(at - 400 * DAY),
        "expires": moment(at + days * DAY),
        "grace_days": grace,
    }


@state(State.VALID)
def _valid(databases: Databases) -> None:
    licence_in_force(databases, **ends(200))


@state(State.EXPIRING)
def _expiring(databases: Databases) -> None:
    licence_in_force(databases, **ends(10))


@state(State.GRACE)
def _grace(databases: Databases) -> None:
    licence_in_force(databases, **ends(-10))


@state(State.EXPIRED)
def _expired(databases: Databases) -> None:
    licence_in_force(databases, **ends(-10, grace=5))


@state(State.REVOKED)
def _revoked(databases: Databases) -> None:
    name = str(uuid7())
    licence_in_force(databases, id=name, **ends(200))
    raw = VENDOR.revocations(1, name, at=int(clock.now().timestamp()) - DAY).decode()
    with databases.operator.session() as session:
        session.execute(text("insert into revocation_files (sequence, file) values (1, :file)"), {"file": raw})


@state(State.TAMPERED)
def _tampered(databases: Databases) -> None:
    licence_in_force(databases, **ends(200), fingerprint="ab" * 32)


@state(State.CLOCK_SUSPECT)
def _suspect(databases: Databases) -> None:
    _valid(databases)
    with databases.system.session() as session:
        session.execute(text("update licence_clock set suspicion = 'ahead', since = mark"))


class Acts:
    """One act for each point that is asked at all."""

    def __init__(self, client: TestClient, house: House) -> None:
        self._client, self._house = client, house
        self._all: dict[Point, Callable[[], Told]] = {
            Point.SEARCH: lambda: self._do("POST", "search", {"query": "x"}),
            Point.READING: lambda: self._do("GET", f"documents/{uuid7()}/text"),
            Point.ASKING: lambda: self._do("POST", "conversations", {}),
            Point.DELETING: lambda: self._do("DELETE", f"collections/{uuid7()}"),
            Point.WRITING: lambda: self._do("POST", "collections", {"name": f"c {uuid7()}"}),
            Point.ADDING_TENANT: lambda: self._do("POST", "tenants", {"name": f"t {uuid7()}"}, house.operator),
            Point.ADDING_SEAT: self._seat,
        }

    def __call__(self, point: Point) -> Told | None:
        return self._all[point]() if point in self._all else None

    def _do(self, verb: str, path: str, body: object = None, key: str | None = None) -> Told:
        headers = House.bearer(key or self._house.member_of_one)
        answer = self._client.request(verb, f"/api/v1/{path}", json=body, headers=headers)
        return answer.status_code, answer.json() if answer.content else {}

    def _seat(self) -> Told:
        person = {"login": f"p {uuid7()}", "name": "P"}
        return self._do("POST", f"tenants/{self._house.one}/users", person, self._house.admin_of_one)


@pytest.mark.parametrize("which", STATES, ids=str)
def test_every_point_is_as_open_as_the_list_says(
    which: State, client: TestClient, house: House, databases: Databases
) -> None:
    client.get("/api/v1/licence", headers=House.bearer(house.operator))  # the clock's row is there
    STATES[which](databases)
    client.app.state.licences.forget()  # type: ignore[attr-defined] # Starlette types the application as ASGI alone
    shown = client.get("/api/v1/licence", headers=House.bearer(house.operator)).json()
    assert shown["state"] == which, shown
    acts, found = Acts(client, house), {}
    for point in Point:
        answer = acts(point)
        if answer is not None:
            status, told = answer
            found[point] = told.get("code") != "not_licensed"
            assert found[point] or status == 403
    assert found == {point: is_open(point, State(shown["deciding"])) for point in found}
    assert all(found[point] for point in found if not POINTS[point].closed)


def test_closed_for_new_documents_means_every_way_in(client: TestClient, house: House, databases: Databases) -> None:
    """A sibling endpoint that was forgotten would be the way around."""
    headers = House.bearer(house.member_of_one)
    made = client.post("/api/v1/collections", json={"name": "c"}, headers=headers).json()
    _expired(databases)
    client.app.state.licences.forget()  # type: ignore[attr-defined] # as above
    path = f"/api/v1/collections/{made['id']}"
    answers = [
        client.post(f"{path}/documents", files={"file": ("a.txt", b"text")}, headers=headers),
        client.post(f"/api/v1/documents/{uuid7()}/retry", headers=headers),
        client.post("/api/v1/collections", json={"name": "d"}, headers=headers),
    ]
    assert [answer.json()["code"] for answer in answers] == ["not_licensed"] * len(answers)
    assert client.get("/api/v1/documents", headers=headers).json()["items"] == []
    assert client.delete(path, headers=headers).status_code == 202
    with databases.operator.session() as session:
        refused = text("select details->>'code' from audit_entries where outcome = 'refused'")
        assert session.execute(refused).scalars().all() == ["not_licensed"] * len(answers)


def test_a_number_in_the_licence_is_never_passed_by_who_come_at_once(
    client: TestClient, house: House, databases: Databases, settings: Settings
) -> None:
    """Five people and two tenants there are; two seats and one tenant are left, for eight who ask together."""
    licence_in_force(databases, limits={"tenants": 4, "seats": 7, "gpus": 2, "adapters": 8})
    client.app.state.licences.forget()  # type: ignore[attr-defined] # as above
    believing = settings.model_copy(update={"licensing": LicensingSettings(root=VENDOR.pin(settings.data))})
    with TestClient(web.build(believing), raise_server_exceptions=False) as second:
        both = [client, second]
        people = _together(lambda at: _person(both[at % 2], house, at))
        tenants = _together(lambda at: _tenant(both[at % 2], house, at))
    assert sorted(people) == ["", "", *["licence_limit"] * 6]
    assert sorted(tenants) == ["", *["licence_limit"] * 7]


def test_suspending_gives_a_seat_back_and_resuming_takes_one(
    client: TestClient, house: House, databases: Databases
) -> None:
    licence_in_force(databases, limits={"tenants": 4, "seats": 6, "gpus": 2, "adapters": 8})
    client.app.state.licences.forget()  # type: ignore[attr-defined] # as above
    headers = House.bearer(house.admin_of_one)
    path = f"/api/v1/tenants/{house.one}/users"

    def add(login: str, kind: str = "person") -> Told:
        answer = client.post(path, json={"login": login, "name": "N", "kind": kind}, headers=headers)
        return answer.status_code, answer.json()

    status, first = add("first")
    assert status == 201
    status, refused = add("second")
    assert (status, refused["code"], refused["limit"], refused["most"]) == (403, "licence_limit", "seats", 6)
    assert add("a service", "service")[0] == 201
    assert client.post(f"{path}/{first['id']}/suspend", headers=headers).status_code == 200
    assert add("second")[0] == 201
    assert client.post(f"{path}/{first['id']}/resume", headers=headers).json()["code"] == "licence_limit"
    operator = House.bearer(house.operator)
    assert client.post(f"/api/v1/tenants/{house.two}/suspend", headers=operator).status_code == 200
    assert client.post(f"{path}/{first['id']}/resume", headers=headers).status_code == 200
    resumed = client.post(f"/api/v1/tenants/{house.two}/resume", headers=operator)
    assert resumed.json()["code"] == "licence_limit"


def test_who_resumes_what_is_active_takes_no_second_seat(
    client: TestClient, house: House, databases: Databases
) -> None:
    licence_in_force(databases, limits={"tenants": 3, "seats": 5, "gpus": 2, "adapters": 8})
    client.app.state.licences.forget()  # type: ignore[attr-defined] # as above
    operator = House.bearer(house.operator)
    assert client.post(f"/api/v1/tenants/{house.two}/resume", headers=operator).status_code == 200
    with databases.operator.session() as session:
        user = Tenants(session).people(house.one).list(None, 1).items[0]
    path = f"/api/v1/tenants/{house.one}/users/{user.id}/resume"
    assert client.post(path, headers=operator).status_code == 200
    assert user.role is not Role.OPERATOR


def _together(act: Callable[[int], str]) -> list[str]:
    told: list[str] = []
    begin = threading.Barrier(8)

    def one(at: int) -> None:
        begin.wait(20)
        told.append(act(at))

    threads = [threading.Thread(target=one, args=(at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def _person(client: TestClient, house: House, at: int) -> str:
    tenant: tuple[UUID, str] = [(house.one, house.admin_of_one), (house.two, house.admin_of_two)][at % 2]
    body = {"login": f"login {at}", "name": "N"}
    answer = client.post(f"/api/v1/tenants/{tenant[0]}/users", json=body, headers=House.bearer(tenant[1]))
    return str(answer.json().get("code", ""))


def _tenant(client: TestClient, house: House, at: int) -> str:
    answer = client.post("/api/v1/tenants", json={"name": f"tenant {at}"}, headers=House.bearer(house.operator))
    return str(answer.json().get("code", ""))
