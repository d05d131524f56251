"""Guessing passwords: how often, for whom, and what a stranger can do to others by it."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.entry import web
from appliance.kit import clock
from appliance.kit.settings import Settings
from appliance.tenants import lockout, passwords
from appliance.tenants.errors import BadCredential
from appliance.tenants.lockout import LOGIN, PAIR, SOURCE, Attempt, SignInBlocked
from appliance.tenants.signing_in import try_password
from tests.factories.processes import until
from tests.integration.web.conftest import House
from tests.integration.web.desk import PASSWORD, Desk, add

HERE = "10.0.0.1"


@pytest.fixture
def ann(client: TestClient, house: House) -> str:
    add(Desk(client, house.operator), house.one, "ann", password=PASSWORD)
    return "ann"


@pytest.fixture(autouse=True)
def later(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The clock stands still; append how many seconds pass."""
    shift: list[int] = []
    began = clock.now()
    monkeypatch.setattr(clock, "now", lambda: began + timedelta(seconds=sum(shift)))
    return shift


def _count(databases: Databases, login: str, source: str, times: int) -> None:
    """So many failures, as if each had waited for the former one's pause."""
    for _ in range(times):
        with databases.system.session() as session:
            lockout.begin(session, Attempt(login, source))
            session.execute(text("update sign_in_counts set blocked_until = null"))


def _blocked(databases: Databases, login: str, source: str) -> int:
    """Seconds that this one has to wait; 0: none."""
    try:
        with databases.system.session() as session:
            lockout.begin(session, Attempt(login, source))
            session.rollback()
    except SignInBlocked as error:
        return error.retry_after or 0
    return 0


def test_the_pause_doubles_and_has_an_end() -> None:
    assert [PAIR.pause(failures) for failures in range(4, 9)] == [0, 1, 2, 4, 8]
    assert PAIR.pause(1000) == SOURCE.pause(1000) == 900
    assert LOGIN.pause(1000) == 30


def test_a_login_that_does_not_exist_is_answered_as_one_that_does(client: TestClient, ann: str, house: House) -> None:
    """The same answers in the same order, so that neither the count nor the block tells which logins there are."""
    told = {
        login: [
            (answer.status_code, {**answer.json(), "detail": ""}, answer.headers.get("retry-after"))
            for answer in (
                client.post("/api/v1/login", json={"login": login, "password": "wrong"}) for _ in range(PAIR.free + 1)
            )
        ]
        for login in (ann, "nobody")
    }
    assert told[ann] == told["nobody"]
    assert [status for status, _, _ in told[ann]] == [401] * PAIR.free + [429]
    assert told[ann][-1][1]["code"] == "sign_in_blocked"


def test_the_right_password_does_not_help_while_it_is_blocked_and_does_afterwards(
    client: TestClient, ann: str, later: list[int]
) -> None:
    right = {"login": ann, "password": PASSWORD}
    for _ in range(PAIR.free):
        assert client.post("/api/v1/login", json={"login": ann, "password": "wrong"}).status_code == 401
    told = client.post("/api/v1/login", json=right)
    assert (told.status_code, told.headers["retry-after"]) == (429, "2")
    later.append(2)
    assert client.post("/api/v1/login", json=right).status_code == 201
    # What was counted is forgotten: the next mistake is a first one.
    assert client.post("/api/v1/login", json={"login": ann, "password": "wrong"}).status_code == 401
    assert client.post("/api/v1/login", json=right).status_code == 201


def test_of_many_at_once_no_more_passwords_are_looked_at_than_one_after_the_other(
    databases: Databases, house: House
) -> None:
    outcomes: list[str] = []
    together = threading.Barrier(12)

    def guess() -> None:
        together.wait()
        try:
            try_password(databases.system, Attempt("operator", HERE), "wrong")
        except (BadCredential, SignInBlocked) as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (outcomes.count("bad_credential"), outcomes.count("sign_in_blocked")) == (PAIR.free, 12 - PAIR.free)


def test_a_stranger_s_guesses_do_not_lock_the_operator_out(databases: Databases, house: House) -> None:
    """From one address it is the stranger alone who waits; from very many the operator waits half a minute at most."""
    _count(databases, "operator", "203.0.113.9", 12)
    assert _blocked(databases, "operator", "203.0.113.9") == 0  # the fixture lifts each pause
    with databases.system.session() as session:
        lockout.begin(session, Attempt("operator", "203.0.113.9"))
    assert _blocked(databases, "operator", "203.0.113.9") > 60
    assert _blocked(databases, "operator", HERE) == 0
    for host in range(100):
        _count(databases, "operator", f"198.51.100.{host}", 1)
    with databases.system.session() as session:
        lockout.begin(session, Attempt("operator", "192.0.2.1"))
    assert 0 < _blocked(databases, "operator", HERE) <= 31


def test_a_one_time_sign_in_asks_no_count(client: TestClient, databases: Databases, house: House) -> None:
    for host in range(60):
        _count(databases, "operator", f"198.51.100.{host}", 1)
    for _ in range(8):
        client.post("/api/v1/login", json={"login": "operator", "password": "wrong"})
    assert client.post("/api/v1/login", json={"login": "operator", "password": PASSWORD}).status_code == 429
    assert client.post("/api/v1/login", json={"token": house.sign_in, "password": PASSWORD}).status_code == 201


def test_one_password_tried_on_many_logins_blocks_the_source(
    client: TestClient, databases: Databases, house: House
) -> None:
    for number in range(SOURCE.free - 1):
        _count(databases, f"login {number}", HERE, 1)
    with databases.system.session() as session:
        lockout.begin(session, Attempt("another", HERE))
    assert _blocked(databases, "yet another", HERE) > 0
    assert _blocked(databases, "yet another", "10.0.0.2") == 0


def test_an_account_of_one_s_own_does_not_wash_the_source_clean(databases: Databases, ann: str) -> None:
    _count(databases, "somebody", HERE, SOURCE.free - 1)
    try_password(databases.system, Attempt(ann, HERE), PASSWORD)
    assert _blocked(databases, "z", HERE) == 0
    with databases.system.session() as session:
        lockout.begin(session, Attempt("x", HERE))
    assert _blocked(databases, "z", HERE) > 0


def test_the_block_survives_a_restart(settings: Settings, client: TestClient, ann: str) -> None:
    for _ in range(PAIR.free + 3):
        client.post("/api/v1/login", json={"login": ann, "password": "wrong"})
    with TestClient(web.build(settings)) as restarted:
        told = restarted.post("/api/v1/login", json={"login": ann, "password": PASSWORD})
    assert told.status_code == 429


def test_who_found_a_session_open_guesses_the_password_no_more_often_than_at_the_door(
    client: TestClient, databases: Databases, ann: str, later: list[int]
) -> None:
    """Changing the own password asks for the former one, and took as many guesses as were sent."""
    key = client.post("/api/v1/login", json={"login": ann, "password": PASSWORD}).json()["key"]

    def change(former: str) -> tuple[int, str]:
        body = {"former": former, "password": "a wholly new one"}
        told = client.put("/api/v1/me/password", json=body, headers=House.bearer(key))
        return told.status_code, told.json()["code"] if told.content else ""

    assert [change("wrong") for _ in range(PAIR.free)] == [(422, "wrong_password")] * PAIR.free
    assert change(PASSWORD) == (429, "sign_in_blocked")
    assert client.post("/api/v1/login", json={"login": ann, "password": PASSWORD}).status_code == 429
    query = text("select count(*) from audit_entries where action = 'user.set_password' and outcome = 'refused'")
    with databases.operator.session() as session:
        assert session.execute(query).scalar_one() == PAIR.free
    later.append(2)
    assert change(PASSWORD) == (204, "")
    assert change("wrong") == (422, "wrong_password")  # what was counted is forgotten


def test_counts_of_long_ago_are_forgotten(databases: Databases, house: House, later: list[int]) -> None:
    _count(databases, "ann", HERE, 30)
    with databases.system.session() as session:
        assert lockout.forget(session) == 0
    later.append(25 * 3600)
    _count(databases, "ann", HERE, 1)
    assert _blocked(databases, "ann", HERE) == 0
    later.append(25 * 3600)
    with databases.system.session() as session:
        assert lockout.forget(session) == 3


def test_a_refusal_says_in_the_record_that_it_blocked(client: TestClient, databases: Databases, ann: str) -> None:
    for _ in range(PAIR.free):
        client.post("/api/v1/login", json={"login": ann, "password": "wrong"})
    query = text("select details ->> 'blocked' from audit_entries where action = 'sign_in' order by id")

    def told() -> list[str]:
        with databases.operator.session() as session:
            return list(session.execute(query).scalars())

    until(lambda: told() == ["false"] * (PAIR.free - 1) + ["true"])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("testclient", "testclient", True),
    ],
)
def test_an_address_counts_as_what_one_customer_has(one: str, other: str, same: bool) -> None:
    assert (lockout.network(one) == lockout.network(other)) == same
    assert lockout.network(None) == ""


def test_one_source_has_a_few_places_in_the_line_and_others_have_theirs() -> None:
    """Two are looked at together; who sends hundreds at once must not fill the line for everybody."""
    go, inside = threading.Event(), []

    def wait() -> None:
        with passwords._place(HERE):
            inside.append(True)
            go.wait(10)

    threads = [threading.Thread(target=wait) for _ in range(passwords.PLACES)]
    for thread in threads:
        thread.start()
    until(lambda: len(inside) == passwords.PLACES)
    with pytest.raises(passwords.SignInsBusy), passwords.turn(HERE):
        pass
    with passwords.turn("10.0.0.2"):
        pass
    go.set()
    for thread in threads:
        thread.join()
    with passwords.turn(HERE):
        pass
    assert not passwords._line
