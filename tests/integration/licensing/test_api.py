"""The licence over HTTP, as an operator and as others see it, on the appliance's own clocks."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from appliance.access.principal import Role, UserId
from appliance.access.web import Databases
from appliance.entry import web
from appliance.kit import clock
from appliance.kit.settings import LicensingSettings, Settings
from appliance.licensing.licence import DAY
from appliance.licensing.strict import moment
from appliance.tenants import bootstrap
from appliance.tenants.service import Tenants
from tests.factories.licences import Vendor, terms

VENDOR = Vendor()
PATH = "/api/v1/licence"


def fresh() -> str:
    """A licence of today."""
    return VENDOR.licence(**terms(int(clock.now().timestamp()))).decode()


@pytest.fixture
def client(settings: Settings, databases: Databases, tmp_path: Path) -> Iterator[TestClient]:
    with databases.operator.session() as session:
        first = bootstrap.first_start(session)
        assert first is not None
    configured = settings.model_copy(update={"licensing": LicensingSettings(root=VENDOR.pin(tmp_path))})
    headers = {"Authorization": f"Bearer {first.cli_key}"}
    with TestClient(web.build(configured), raise_server_exceptions=False, headers=headers) as client:
        yield client


def test_an_operator_installs_shows_and_revokes(client: TestClient) -> None:
    shown = client.get(PATH).json()
    assert (shown["state"], shown["licence"], shown["limits"]["tenants"]) == ("evaluation", None, 2)
    answer = client.post(PATH, json={"file": fresh()})
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["state"], told["deciding"], told["pinned"]) == ("valid", "valid", False)
    assert (told["limits"]["seats"], told["licence"]["customer"]) == (50, "Beispiel AG 示例")
    assert told["open"]["writing"]
    raw = VENDOR.revocations(1, told["licence"]["id"], at=int(clock.now().timestamp()))
    revoked = client.post(f"{PATH}/revocations", json={"file": raw.decode()}).json()
    assert (revoked["state"], revoked["revocations"]) == ("revoked", 1)
    assert (revoked["open"]["writing"], revoked["open"]["export"]) == (False, True)
    assert client.get(PATH).json()["state"] == "revoked"


def test_a_refused_file_is_named_audited_and_changes_nothing(client: TestClient, databases: Databases) -> None:
    changed = fresh().replace("Beispiel", "Beispeil")
    later = VENDOR.licence(not_before=moment(int(clock.now().timestamp()) + DAY)).decode()
    for file, status, code in (
        (changed, 422, "licence_tampered"),
        (Vendor().licence().decode(), 422, "licence_wrong_key"),
        (later, 422, "licence_not_yet_valid"),
        ("x" * 70_000, 413, "licence_too_large"),
        ("", 422, "licence_malformed"),
    ):
        answer = client.post(PATH, json={"file": file})
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert client.get(PATH).json()["state"] == "evaluation"
    with databases.operator.session() as session:
        query = text("select details->>'code' from audit_entries where action = 'licence.install' order by id")
        assert list(session.execute(query).scalars()) == [
            "licence_tampered",
            "licence_wrong_key",
            "licence_not_yet_valid",
            "licence_too_large",
            "licence_malformed",
        ]


def test_a_suspect_clock_is_told_and_accepted(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    client.post(PATH, json={"file": fresh()})
    later = clock.now() + timedelta(days=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    shown = client.get(PATH).json()
    assert (shown["state"], shown["deciding"], shown["clock"]["suspicion"]) == ("clock_suspect", "valid", "ahead")
    answer = client.post(PATH, json={"file": VENDOR.licence(issued_at="2020-01-01T00:00:00Z").decode()})
    assert (answer.status_code, answer.json()["code"]) == (409, "clock_suspect")
    accepted = client.post(f"{PATH}/clock/accept")
    assert (accepted.status_code, accepted.json()["state"]) == (200, "valid")


@pytest.mark.parametrize("role", [Role.MEMBER, Role.EDITOR, Role.TENANT_ADMIN, Role.AUDITOR])
def test_others_have_no_say(client: TestClient, databases: Databases, role: Role) -> None:
    with databases.operator.session() as session:
        tenants = Tenants(session)
        people = tenants.people(tenants.create("one").id)
        key = people.issue_key(UserId(people.add("ann", "Ann", role).id), "test")
    headers = {"Authorization": f"Bearer {key}"}
    assert client.get(PATH, headers=headers).status_code == 403
    for path in (PATH, f"{PATH}/revocations", f"{PATH}/clock/accept"):
        assert client.post(path, json={"file": fresh()}, headers=headers).status_code == 403
