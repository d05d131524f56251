"""An export of a tenant: what is in it and for whom, that it is whole, expires, and is nobody else's."""

import hashlib
import json
import os
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from uuid import UUID
from zipfile import ZipFile

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb
from starlette.testclient import TestClient

from appliance.access.principal import TenantId
from appliance.access.web import Databases
from appliance.catalog.confined import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from appliance.catalog.shelf import Shelf, Upload
from appliance.drivers.blobs import DirectoryBlobs
from appliance.entry import exporting, forgetting
from appliance.kit.ids import uuid7
from appliance.kit.settings import Settings
from appliance.tenants.exports import place
from tests.factories.tenant_rows import fill
from tests.integration.conftest import Cluster
from tests.integration.jobs.work import Shop
from tests.integration.web.conftest import House
from tests.integration.web.desk import Desk, status_of

Superuser = psycopg.Connection[Any]
FILE = b"what the company wrote"
WEIGHTS = b"what the company trained"
ADAPTER = UUID("0199f4a2-7c1e-7b3a-9d4e-2f6a8c0b1d35")
WITHOUT = {
    *("tenants", "users", "groups", "group_members", "api_keys", "usage_records", "audit"),
    *("invitations", "quotas", "directories", "directory_links", "adapters"),
}


@pytest.fixture
def superuser(postgres: Cluster, settings: Settings) -> Iterator[Superuser]:
    address = make_conninfo(postgres.server.address(), dbname=settings.database.name)
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection


@pytest.fixture
def filled(house: House, settings: Settings, superuser: Superuser) -> House:
    """A row in every table of both tenants, and a file in the first."""
    for tenant in (house.one, house.two):
        fill(superuser, tenant)
    blobs = DirectoryBlobs(settings.layout.blobs)
    blobs.keep(blobs.stage(house.one, BytesIO(FILE), 100))
    shelf = Shelf(settings.layout.adapters)
    for tenant, weights in ((house.one, WEIGHTS), (house.two, b"of two")):
        with shelf.staged(Upload(BytesIO(b"{}"), BytesIO(weights), 100)) as staged:
            shelf.keep(staged, tenant, ADAPTER)
    return house


@pytest.fixture
def shop(databases: Databases, settings: Settings) -> Shop:
    """A worker with the real handler."""
    made = Shop(databases)
    exporting.register(made.registry, lambda: settings)
    return made


def exported(client: TestClient, shop: Shop, key: str, tenant: UUID) -> tuple[dict[str, Any], ZipFile]:
    """Asked for, written and downloaded."""
    path, headers = f"/api/v1/tenants/{tenant}/exports", House.bearer(key)
    asked = client.post(path, headers=headers)
    assert asked.status_code == 202, asked.text
    early = client.get(f"{path}/{asked.json()['id']}/archive", headers=headers)
    assert early.json()["code"] == "export_not_ready"
    while shop.runner().run_next() is not None:
        pass
    shown = client.get(f"{path}/{asked.json()['id']}", headers=headers).json()
    answer = client.get(f"{path}/{shown['id']}/archive", headers=headers)
    assert answer.headers["content-disposition"] == f'attachment; filename="tenant-{tenant}.zip"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (len(answer.content), hashlib.sha256(answer.content).hexdigest()) == (shown["bytes"], shown["sha256"])
    return shown, ZipFile(BytesIO(answer.content))


def lines(archive: ZipFile, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in archive.read(f"{name}.jsonl").splitlines()]


def test_an_administrator_has_all_of_the_tenant_and_every_file_is_as_the_manifest_says(
    filled: House, client: TestClient, shop: Shop
) -> None:
    shown, archive = exported(client, shop, filled.admin_of_one, filled.one)
    assert shown["content"]
    manifest = json.loads(archive.read("manifest.json"))
    assert {each["name"] for each in manifest["files"]} | {"manifest.json"} == set(archive.namelist())
    for each in manifest["files"]:
        content = archive.read(each["name"])
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (each["sha256"], each["bytes"]), each["name"]
    assert {part.name for part in exporting.PARTS} | {"audit"} == {
        each["name"].removesuffix(".jsonl") for each in manifest["files"] if each["name"].endswith(".jsonl")
    }
    assert archive.read(f"originals/{hashlib.sha256(FILE).hexdigest()}") == FILE
    assert archive.read(f"adapters/{ADAPTER}/{ADAPTER_WEIGHTS}") == WEIGHTS
    assert archive.read(f"adapters/{ADAPTER}/{ADAPTER_CONFIG}") == b"{}"
    assert {line["login"] for line in lines(archive, "users")} >= {"member of one", "admin of one"}
    assert all(lines(archive, part.name) for part in exporting.PARTS)
    assert {line["action"] for line in lines(archive, "audit")} >= {"tenant.create", "tenant.export"}
    whole = b"".join(archive.read(name) for name in archive.namelist()).decode()
    assert str(filled.two) not in whole
    assert "of two" not in whole


def test_an_operator_of_the_appliance_gets_no_content(filled: House, client: TestClient, shop: Shop) -> None:
    shown, archive = exported(client, shop, filled.operator, filled.one)
    assert not shown["content"]
    assert set(archive.namelist()) == {"manifest.json", *(f"{name}.jsonl" for name in WITHOUT)}


def test_no_secret_is_in_an_export(filled: House, client: TestClient, shop: Shop, superuser: Superuser) -> None:
    secrets = {"api_keys": "hash", "sign_ins": "hash", "invitations": "hash", "directories": "secret"}
    superuser.execute("update directories set secret = %s", (b"this is the bind password",))
    superuser.execute(
        "update directories set settings = %s",
        (Jsonb({"issuer": "https://idp.test", "client_id": "ours", "client_secret": "this is the client secret"}),),
    )
    hashes: list[bytes] = []
    for name, column in secrets.items():
        query = sql.SQL("select {} from {} where tenant_id = %s").format(sql.Identifier(column), sql.Identifier(name))
        found = [row[0] for row in superuser.execute(query, (filled.one,)).fetchall()]
        assert found, name
        hashes += found
    superuser.execute("update users set password_hash = 'this is the hash' where kind = 'person'")
    _, archive = exported(client, shop, filled.admin_of_one, filled.one)
    whole = b"".join(archive.read(name) for name in archive.namelist())
    assert not [one for one in hashes if one in whole or str(one).encode() in whole or one.hex().encode() in whole]
    assert b"this is the" not in whole
    (directory,) = lines(archive, "directories")
    assert directory["settings"] == {"issuer": "https://idp.test", "client_id": "ours"}


def test_quotas_and_adapters_are_told_with_what_they_say(
    filled: House, client: TestClient, shop: Shop, superuser: Superuser
) -> None:
    superuser.execute("update quotas set tokens_per_day = 4711 where tenant_id = %s", (filled.one,))
    superuser.execute("update adapters set manifest = %s where tenant_id = %s", (Jsonb({"alpha": 16}), filled.one))
    _, archive = exported(client, shop, filled.operator, filled.one)
    (quota,), (adapter,) = lines(archive, "quotas"), lines(archive, "adapters")
    assert (quota["tokens_per_day"], quota["requests_per_minute"]) == (4711, None)
    assert adapter["manifest"] == {"alpha": 16}


def test_an_adapter_whose_file_is_missing_fails_no_export(
    filled: House, client: TestClient, shop: Shop, settings: Settings
) -> None:
    place = Shelf(settings.layout.adapters).place(filled.one, ADAPTER)
    place.chmod(0o700)
    (place / ADAPTER_WEIGHTS).unlink()
    _, archive = exported(client, shop, filled.admin_of_one, filled.one)
    assert [name for name in archive.namelist() if name.startswith("adapters/")] == [
        f"adapters/{ADAPTER}/{ADAPTER_CONFIG}"
    ]


def test_an_export_is_nobody_elses_and_one_with_content_no_operators(
    filled: House, client: TestClient, shop: Shop
) -> None:
    shown, _ = exported(client, shop, filled.admin_of_one, filled.one)
    own, other = f"/api/v1/tenants/{filled.one}/exports", f"/api/v1/tenants/{filled.two}/exports"
    for path in (f"{own}/{shown['id']}", f"{own}/{shown['id']}/archive"):
        assert status_of(client, filled.operator, path) == 404
        assert status_of(client, filled.member_of_one, path) == 403
        assert status_of(client, filled.admin_of_two, path) == 404
    assert status_of(client, filled.admin_of_two, f"{other}/{shown['id']}/archive") == 404
    assert client.get(own, headers=House.bearer(filled.operator)).json()["items"] == []
    for wanted, expected in (({}, [shown["id"]]), ({"state": "ready"}, [shown["id"]]), ({"state": "waiting"}, [])):
        items = client.get(own, params=wanted, headers=House.bearer(filled.admin_of_one)).json()["items"]
        assert [item["id"] for item in items] == expected


def test_an_export_goes_after_its_day_with_its_archive(
    filled: House, client: TestClient, shop: Shop, databases: Databases, settings: Settings, superuser: Superuser
) -> None:
    shown, _ = exported(client, shop, filled.admin_of_one, filled.one)
    archive = place(settings.layout.exports, filled.one, UUID(shown["id"]))
    assert archive.stat().st_mode & 0o777 == 0o600
    assert archive.parent.stat().st_mode & 0o777 == 0o700
    with databases.system.session() as session:
        exporting.clear(session, settings)
    assert archive.exists()
    left = archive.with_name("left by a killed job.part")
    left.touch()
    os.utime(left, (0, 0))
    superuser.execute("update tenant_exports set expires_at = now()")
    with databases.system.session() as session:
        exporting.clear(session, settings)
    assert not list(archive.parent.iterdir())
    path = f"/api/v1/tenants/{filled.one}/exports/{shown['id']}/archive"
    assert client.get(path, headers=House.bearer(filled.admin_of_one)).json()["code"] == "export_not_found"


def test_a_deletion_takes_the_archives_along(filled: House, client: TestClient, shop: Shop, settings: Settings) -> None:
    exported(client, shop, filled.admin_of_one, filled.one)
    archives = next(each for each in forgetting.forgetters(settings, *[None] * 3) if each.kind == "exports")  # type: ignore[arg-type] # nothing of them is used here
    assert len(list(archives.names(filled.one))) == 1  # type: ignore[union-attr] # this kind has names
    archives.remove(filled.one)  # type: ignore[union-attr] # as above
    archives.remove(filled.one)  # type: ignore[union-attr] # as above
    assert not (settings.layout.exports / str(filled.one)).exists()


def test_a_job_whose_export_is_over_writes_nothing(house: House, shop: Shop, settings: Settings) -> None:
    args = {"tenant": str(house.one), "export": str(uuid7())}
    job = shop.ask(TenantId(house.one), "tenants.export", args)
    shop.runner().run_next()
    assert shop.job(TenantId(house.one), job).result == {}
    assert not settings.layout.exports.exists()


def test_a_deleted_tenant_is_not_exported(house: House, client: TestClient) -> None:
    desk = Desk(client, house.operator)
    token = desk("POST", f"/{house.one}/deletion")[1]["token"]
    assert desk("POST", f"/{house.one}/exports")[0] == 202  # suspended, not yet confirmed
    desk("POST", f"/{house.one}/deletion/confirm", {"token": token, "name": "one"})
    assert desk("POST", f"/{house.one}/exports")[0] == 404
