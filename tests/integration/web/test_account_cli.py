"""The verbs of one-time codes and sessions, and signing in with a code, over a real socket."""

from datetime import datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from appliance.entry.cli import sign_in
from appliance.entry.cli.client import Api
from appliance.entry.cli.finding import Target
from appliance.kit import clock
from appliance.kit.errors import ApplianceError, BadRequest
from tests.factories.cli import Run, document
from tests.integration.web.authenticator import App
from tests.integration.web.conftest import House
from tests.integration.web.desk import PASSWORD, Desk, add
from tests.integration.web.page import LOGIN, Page
from tests.integration.web.test_people_cli import cli, url  # noqa: F401 - fixtures


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The clock stands still but where a test moves it."""
    at = [clock.now()]
    monkeypatch.setattr(clock, "now", lambda: at[0])
    return at


@pytest.fixture
def page(client: TestClient, house: House) -> Page:
    add(Desk(client, house.operator), house.one, "ann", password=PASSWORD)
    return Page(client)


def test_codes_from_enrolling_to_disabling(
    cli: Run,  # noqa: F811 - the fixture
    url: str,  # noqa: F811 - the fixture
    page: Page,
    now: list[datetime],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("APPLIANCE_KEY", page.http.post("/api/v1/login", json=LOGIN).json()["key"])
    assert document(cli("totp", "show", "--json")[1]) == {"enrolled": False, "recovery_codes_left": 0}
    told = document(cli("totp", "enrol", "--json")[1])
    shown = cli("totp", "enrol")[1]
    assert "otpauth://totp/" in shown
    assert told["secret"] not in shown
    app = App(document(cli("totp", "enrol", "--json")[1]), now)
    assert document(cli("totp", "confirm", app.code(), "--json")[1])["enrolled"] is True
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    signing_in = ("login", url, "--login", "ann", "--password-stdin", "--json")
    with pytest.raises(ApplianceError) as refused:
        cli(*signing_in, typed=f"{PASSWORD}\n")
    assert refused.value.problem()["code"] == "code_needed"
    assert document(cli(*signing_in, "--code", app.code(), typed=f"{PASSWORD}\n")[1])["login"] == "ann"
    assert document(cli("totp", "disable", app.code(), "--json", typed=f"{PASSWORD}\n")[1]) == {"enrolled": False}


def test_a_code_is_asked_for_where_somebody_sits(
    cli: Run,  # noqa: F811 - the fixture
    url: str,  # noqa: F811 - the fixture
    page: Page,
    now: list[datetime],
) -> None:
    assert page("PUT", "/me/totp") == 200
    app = App(page.last.json(), now)
    assert page("POST", "/me/totp/confirm", {"code": app.code()}) == 200
    with Api(Target(url, "")) as api:
        assert sign_in.entered(api, LOGIN, app.code)["login"] == "ann"
    assert "alone" in cli("totp", "reset", "ann", "--tenant", "one")[1]
    with Api(Target(url, "")) as api:
        assert sign_in.entered(api, LOGIN, None)["login"] == "ann"


def test_sessions_are_listed_and_ended(
    cli: Run,  # noqa: F811 - the fixture
    page: Page,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = ("--tenant", "one", "--json")
    (found,) = document(cli("sessions", "list", *there)[1])["items"]
    assert document(cli("sessions", "list", "--user", "ann", *there)[1])["items"] == [found]
    assert document(cli("sessions", "list", "--json")[1])["items"] == []
    assert document(cli("sessions", "list", "--all", "--json")[1])["items"] == []  # the operator's own tenant
    assert document(cli("sessions", "revoke", found["id"], *there)[1])["revoked_at"] is not None
    Page(page.http)
    assert document(cli("sessions", "revoke", "--user", "ann", *there)[1]) == {"ended": 1}
    own = Page(page.http)
    monkeypatch.setenv("APPLIANCE_KEY", page.http.post("/api/v1/login", json=LOGIN).json()["key"])
    (mine,) = document(cli("sessions", "list", "--json")[1])["items"]
    assert "ended" in cli("sessions", "revoke", mine["id"], "--own")[1]
    assert mine["user_id"] == own.told["user_id"]
    with pytest.raises(BadRequest):
        cli("sessions", "revoke")
