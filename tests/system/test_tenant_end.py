"""A tenant's last days: exported by its administrator, deleted by the operator, certified, and nowhere to be found."""

import json
import secrets
from pathlib import Path
from zipfile import ZipFile

from tests.factories.appliance import Appliance
from tests.factories.shelf import Shelf, prose
from tests.system.test_two_tenants import newcomer


def test_a_tenant_is_exported_deleted_and_certified(running: Appliance, tmp_path: Path) -> None:
    running.wait_ready("encoder")
    key, seed = newcomer(running), secrets.token_hex(4)
    shelf = Shelf(running, key)
    shelf.wait_state(shelf.add("plan.md", prose(10, seed)), "ready")
    with running.api(key) as api:
        tenant = api.get("/api/v1/me").json()["tenant_id"]
    with running.api() as api:
        name = api.get(f"/api/v1/tenants/{tenant}").json()["name"]

    archive = tmp_path / "export.zip"
    mine = {**running.settings, "APPLIANCE_KEY": key}
    told = Appliance(running.data, mine, running.port).run("tenants", "export", "--output", str(archive), "--json")
    assert told.returncode == 0, told.stderr
    with ZipFile(archive) as found:
        originals = [each for each in found.namelist() if each.startswith("originals/")]
        assert seed.encode() in found.read(originals[0])

    asked = json.loads(running.run("tenants", "delete", name, "--confirm", name, "--json").stdout)
    ended = running.run("jobs", "watch", asked["job"], "--json")
    assert ended.returncode == 0, ended.stdout
    certificate = tmp_path / "certificate.json"
    assert running.run("tenants", "certificate", tenant, "--output", str(certificate)).returncode == 0
    verified = running.run("tenants", "verify-certificate", str(certificate), "--json")
    deleted = json.loads(verified.stdout)["deleted"]
    assert deleted["documents"]["count"] == deleted["blobs"]["count"] == deleted["exports"]["count"] == 1
    assert deleted["vectors"]["count"] == deleted["chunks"]["count"] > 0
    assert deleted["users"]["count"] == 1

    with running.api(key) as api:
        assert api.get("/api/v1/me").status_code == 401
    for table in ("users", "documents", "chunks", "messages", "jobs", "index_outbox", "usage_records"):
        assert running.value(f"select count(*) from {table} where tenant_id = %s", tenant) == 0, table  # noqa: S608 - ours
    for directory in (running.layout.blobs, running.layout.exports):
        assert not list(directory.glob(f"{tenant}*"))
    proven = json.loads(running.run("audit", "verify", "--json").stdout)
    assert proven["holds"]
