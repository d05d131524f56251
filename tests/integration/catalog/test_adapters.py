"""Adapters of two tenants: imported, checked, numbered, fenced off, counted by the licence, forgotten."""

import os
import shutil
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from appliance.access.principal import TenantId
from appliance.access.web import Databases
from appliance.catalog import adapters, confined
from appliance.catalog.adapters import Adapters
from appliance.catalog.confined import Unreadable
from appliance.catalog.lora import BadAdapter
from appliance.catalog.service import Catalog
from appliance.catalog.shelf import Shelf
from appliance.kit import clock, staging
from appliance.kit.children import Limits
from appliance.kit.ids import uuid7
from appliance.kit.settings import Settings
from tests.factories import lora, models
from tests.factories.cli import Run, document
from tests.integration.web.conftest import House


class Desk:
    """One tenant's adapters as one caller sees them."""

    def __init__(self, client: TestClient, tenant: UUID, key: str) -> None:
        self.client = client
        self.path = f"/api/v1/tenants/{tenant}/adapters"
        self.headers = House.bearer(key)

    def bring(self, directory: Path, base: UUID, name: str = "style", **headers: str) -> tuple[int, dict[str, Any]]:
        """Import what lies in a directory."""
        files = {
            "config": (directory / confined.ADAPTER_CONFIG).read_bytes(),
            "weights": (directory / confined.ADAPTER_WEIGHTS).read_bytes(),
        }
        told = {"name": name, "base": str(base)}
        answer = self.client.post(self.path, data=told, files=files, headers=self.headers | headers)
        return answer.status_code, answer.json()

    def all(self) -> list[dict[str, Any]]:
        """What there is."""
        return list(self.client.get(self.path, headers=self.headers).json()["items"])


@pytest.fixture
def one(client: TestClient, house: House) -> Desk:
    return Desk(client, house.one, house.admin_of_one)


@pytest.fixture
def two(client: TestClient, house: House) -> Desk:
    return Desk(client, house.two, house.admin_of_two)


@pytest.fixture
def operator(client: TestClient, house: House) -> Desk:
    return Desk(client, house.one, house.operator)


def test_an_adapter_is_kept_read_only_at_a_path_of_its_own(
    one: Desk, base: UUID, house: House, stocked: Settings, databases: Databases, tmp_path: Path
) -> None:
    status, made = one.bring(lora.adapter(tmp_path / "a"), base)
    assert (status, made["version"], made["rank"], made["modules"]) == (201, 1, 2, ["q_proj", "v_proj"])
    shelf = Shelf(stocked.layout.adapters)
    with databases.system.session() as session:
        found = adapters.known(shelf)(session, [UUID(made["id"]), uuid7()])
    (kept,) = found.values()
    assert kept.directory == stocked.layout.adapters / str(house.one) / made["id"]
    assert {path.name: path.stat().st_mode & 0o777 for path in kept.directory.iterdir()} == {
        confined.ADAPTER_CONFIG: 0o400,
        confined.ADAPTER_WEIGHTS: 0o400,
    }
    assert adapters.inspect(kept).state == "verified"
    assert (kept.tenant, kept.base, kept.usable) == (house.one, base, True)
    assert kept.engine_name == f"{house.one.hex[-12:]}.{kept.id.hex}.{kept.digest[:12]}"
    assert list((stocked.layout.adapters / ".staging").glob("*/*")) == []


def test_other_bytes_are_the_next_version_and_the_same_are_the_one_that_is_there(
    operator: Desk, one: Desk, base: UUID, tmp_path: Path, licensed: None
) -> None:
    first = one.bring(lora.adapter(tmp_path / "a"), base)[1]
    assert one.bring(tmp_path / "a", base) == (201, first)
    second = operator.bring(lora.adapter(tmp_path / "b", fill=b"\0\0\x80\x3f"), base)[1]
    assert (second["version"], second["name"]) == (2, first["name"])
    assert second["digest"] != first["digest"]
    key = uuid7().hex
    third = lora.adapter(tmp_path / "c", fill=b"\0\0\0\x40")
    told = one.bring(third, base, "other", **{"idempotency-key": key})
    assert one.bring(third, base, "other", **{"idempotency-key": key}) == told
    assert [(item["name"], item["version"]) for item in one.all()] == [("style", 1), ("style", 2), ("other", 1)]


def test_a_tenant_sees_and_reaches_its_own_adapters_alone(
    one: Desk, two: Desk, base: UUID, house: House, databases: Databases, stocked: Settings, tmp_path: Path
) -> None:
    made = one.bring(lora.adapter(tmp_path / "a"), base)[1]
    assert two.all() == []
    for verb, path in (("get", ""), ("post", "/verify"), ("delete", "")):
        answer = two.client.request(verb, f"{two.path}/{made['id']}{path}", headers=two.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "adapter_not_found")
        answer = two.client.request(verb, f"{one.path}/{made['id']}{path}", headers=two.headers)
        assert answer.status_code == 404
    member = Desk(one.client, house.one, house.member_of_one)
    assert member.client.get(member.path, headers=member.headers).status_code == 403
    with databases.app.session(TenantId(house.two)) as session:
        # a query that names the wrong tenant, as a forgotten check would
        assert Adapters(session, TenantId(house.one), Shelf(stocked.layout.adapters)).list(None, 10).items == ()
    assert len(one.all()) == 1


def test_what_is_refused_leaves_nothing_behind(
    one: Desk, base: UUID, stocked: Settings, databases: Databases, tmp_path: Path
) -> None:
    bad = lora.adapter(tmp_path / "a", use_dora=True)
    assert one.bring(bad, base)[1]["code"] == "bad_adapter"
    (bad / confined.ADAPTER_CONFIG).write_text("{")
    assert "not JSON" in one.bring(bad, base)[1]["detail"]
    (bad / confined.ADAPTER_CONFIG).write_text("[" * 60_000)
    assert "not JSON" in one.bring(bad, base)[1]["detail"]
    (bad / confined.ADAPTER_CONFIG).write_text(" " * 70_000)
    assert one.bring(bad, base)[0] == 413
    (bad / confined.ADAPTER_CONFIG).write_text("{}")
    (bad / confined.ADAPTER_WEIGHTS).write_bytes(b"\x80\x04\x95 a pickle")
    status, told = one.bring(bad, base)
    assert (status, told["code"]) == (422, "bad_adapter")
    assert "a header of" in told["detail"]
    assert one.bring(lora.adapter(tmp_path / "b", base_model_name_or_path="another"), base)[0] == 422
    assert one.bring(tmp_path / "b", uuid7())[1]["code"] == "model_not_found"
    assert one.bring(tmp_path / "b", base, "../x")[0] == 422
    assert one.all() == []
    assert [path for path in stocked.layout.adapters.rglob("*") if path.is_file()] == []


def test_only_a_verified_language_model_is_a_base(
    one: Desk, databases: Databases, house: House, stocked: Settings, base: UUID, tmp_path: Path
) -> None:
    operator = House.bearer(house.operator)
    with databases.operator.session() as session:
        encoder = Catalog(session).register(stocked.model_store / models.ENCODER)
    adapter = lora.adapter(tmp_path / "a")
    assert one.bring(adapter, encoder.id)[1]["code"] == "not_a_base"
    (stocked.model_store / lora.BASE / "config.json").write_text("{}")
    one.client.post(f"/api/v1/models/{base}/verify", headers=operator)
    assert one.bring(adapter, base)[1]["code"] == "not_a_base"


def test_the_licence_bounds_the_adapters_of_all_tenants_together(
    one: Desk, two: Desk, base: UUID, tmp_path: Path
) -> None:
    assert one.bring(lora.adapter(tmp_path / "a"), base)[0] == 201
    status, told = two.bring(lora.adapter(tmp_path / "b", fill=b"\1\1\1\1"), base)  # the evaluation allows one
    assert (status, told["code"], told["limit"]) == (403, "licence_limit", "adapters")


def test_verifying_tells_what_was_tampered_with_and_what_is_gone(
    one: Desk, base: UUID, house: House, stocked: Settings, tmp_path: Path
) -> None:
    made = one.bring(lora.adapter(tmp_path / "a"), base)[1]
    verify = f"{one.path}/{made['id']}/verify"
    directory = stocked.layout.adapters / str(house.one) / made["id"]
    assert one.client.post(verify, headers=one.headers).json()["state"] == "verified"
    directory.chmod(0o700)
    weights = directory / confined.ADAPTER_WEIGHTS
    weights.chmod(0o600)
    weights.write_bytes(weights.read_bytes()[:-1] + b"\7")
    assert "not the ones that were imported" in one.client.post(verify, headers=one.headers).json()["reason"]
    (directory / "evil.py").write_text("")
    told = one.client.post(verify, headers=one.headers).json()
    assert told["state"] == "tampered"
    assert "evil.py" in told["reason"]
    shutil.rmtree(directory)
    assert one.client.post(verify, headers=one.headers).json()["state"] == "missing"


def test_a_deleted_adapter_and_an_abandoned_import_are_swept_away(
    one: Desk, base: UUID, house: House, stocked: Settings, databases: Databases, tmp_path: Path, licensed: None
) -> None:
    shelf = Shelf(stocked.layout.adapters)
    first, second = (
        one.bring(lora.adapter(tmp_path / name, fill=name.encode() * 4), base, name)[1] for name in ("a", "b")
    )
    assert one.client.delete(f"{one.path}/{first['id']}", headers=one.headers).status_code == 204
    assert one.client.delete(f"{one.path}/{first['id']}", headers=one.headers).status_code == 404
    (stocked.layout.adapters / ".staging" / "killed").mkdir()
    for path in stocked.layout.adapters.glob("*/*"):
        os.utime(path, (clock.now().timestamp() - 7200,) * 2)
    fresh = stocked.layout.adapters / str(house.one) / str(uuid7())
    fresh.mkdir()  # an import that has not committed yet
    with databases.system.session() as session:
        assert adapters.sweep(session, shelf) == 1
        assert adapters.sweep(session, shelf) == 0
    assert staging.sweep(stocked.layout.adapters / ".staging") == 1
    assert {path.name for path in (stocked.layout.adapters / str(house.one)).iterdir()} == {second["id"], fresh.name}


@pytest.mark.usefixtures("licensed")
def test_a_tenant_that_is_forgotten_leaves_no_adapter(
    one: Desk, two: Desk, base: UUID, stocked: Settings, databases: Databases, tmp_path: Path
) -> None:
    tenants = [UUID(desk.path.split("/")[4]) for desk in (one, two)]
    shelf = Shelf(stocked.layout.adapters)
    one.bring(lora.adapter(tmp_path / "a"), base)
    kept = two.bring(lora.adapter(tmp_path / "b", fill=b"\1\1\1\1"), base)[1]
    with databases.system.session() as session:
        assert adapters.forget(session, shelf, tenants[0]) == 1
        assert adapters.forget(session, shelf, tenants[0]) == 0
    assert one.all() == []
    assert two.all() == [kept]
    assert [path.name for path in stocked.layout.adapters.iterdir() if path.name != ".staging"] == [str(tenants[1])]
    shelf.remove(tenants[1], UUID(kept["id"]))
    shelf.remove(tenants[1], UUID(kept["id"]))
    assert not shelf.place(tenants[1], UUID(kept["id"])).exists()


def test_a_reader_that_meets_its_limits_is_a_refusal_of_the_file(stocked: Settings, tmp_path: Path) -> None:
    base, adapter = lora.base(stocked.model_store), lora.adapter(tmp_path / "a")
    for limits in (Limits(memory=16 * 1024**2), Limits(cpu_seconds=0)):
        with pytest.raises(Unreadable, match="limits of memory and time"):
            confined.adapter(adapter, base, (lora.BASE,), 8, limits)
    assert confined.adapter(adapter, base, (lora.BASE,), 2).rank == 2
    with pytest.raises(BadAdapter, match="rank 2"):
        confined.adapter(adapter, base, (lora.BASE,), 1)


def test_the_verbs_import_show_verify_and_delete(
    cli: Run, house: House, base: UUID, tmp_path: Path, stocked: Settings
) -> None:
    there = ("--tenant", "one", "--json")
    directory = lora.adapter(tmp_path / "a")
    made = document(cli("adapters", "import", directory, "--name", "style", "--base", lora.BASE, *there)[1])
    assert made["base"] == str(base)
    assert "style" in cli("adapters", "list", "--tenant", "one")[1]
    assert "There is no adapter yet" in cli("adapters", "list", "--tenant", "two")[1]
    assert document(cli("adapters", "show", "style", *there)[1]) == made
    assert document(cli("adapters", "verify", made["id"], *there)[1])["state"] == "verified"
    shutil.rmtree(stocked.layout.adapters / str(house.one))
    assert cli("adapters", "verify", "style", *there)[0] == 1
    assert document(cli("adapters", "delete", "style", "--yes", *there)[1]) == {"deleted": made["id"]}
    with pytest.raises(Exception, match="no adapter 'style'"):
        cli("adapters", "show", "style", *there)
    with pytest.raises(Exception, match="does not hold adapter_config"):
        cli("adapters", "import", tmp_path, "--name", "x", "--base", lora.BASE, *there)
    with pytest.raises(Exception, match="no model 'nothing'"):
        cli("adapters", "import", directory, "--name", "x", "--base", "nothing", *there)
