"""The verbs of tenants, users, groups and keys, over a real socket."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from appliance.access.web import Databases
from appliance.entry import exporting, web
from appliance.kit.errors import ApplianceError, BadRequest, NotFound
from appliance.kit.settings import Settings
from appliance.tenants.certificate import CertificateInvalid, Signer
from tests.factories.cli import Run, document, run
from tests.factories.serving import listening
from tests.integration.jobs.work import Shop
from tests.integration.web.conftest import House, roomy


@pytest.fixture
def url(settings: Settings, databases: Databases) -> Iterator[str]:
    """An appliance's web process, served from a thread."""
    settings = roomy(settings, databases)
    with listening(web.server(web.build(settings), settings)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def cli(url: str, house: House, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("APPLIANCE_URL", url)
    monkeypatch.setenv("APPLIANCE_KEY", house.operator)
    return run


def test_a_token_for_scim(cli: Run, url: str) -> None:
    made = document(cli("directory", "scim", "--name", "Entra", "--tenant", "one", "--json")[1])
    assert made["endpoint"] == f"{url}/scim/v2"
    assert made["key"].startswith("sk-")
    (listed,) = (
        key for key in document(cli("keys", "list", "--tenant", "one", "--json")[1])["items"] if key["name"] == "Entra"
    )
    assert (listed["id"], listed["scopes"]) == (made["key_id"], ["provision_users"])


def test_an_oidc_provider_is_set_up_from_a_file(cli: Run, tmp_path: Path) -> None:
    there = ("--tenant", "one", "--json")
    file = tmp_path / "oidc.json"
    settings = {"issuer": "http://127.0.0.1:9", "client_id": "a", "public_url": "https://here.example"}
    file.write_text(json.dumps(settings))
    made = document(cli("directory", "set", "oidc", file, "--secret-stdin", *there, typed="s3cret\n")[1])
    assert (made["has_secret"], made["version"]) == (True, 1)
    assert made["start_url"].startswith("https://here.example/api/v1/oidc/")
    file.write_text(json.dumps({**settings, "create": False}))
    assert document(cli("directory", "set", "oidc", file, *there)[1])["has_secret"] is True
    assert document(cli("directory", "show", "oidc", *there)[1])["settings"]["create"] is False
    with pytest.raises(ApplianceError, match=r"127\.0\.0\.1 did not answer"):
        cli("directory", "test", "oidc", *there)
    assert document(cli("directory", "remove", "oidc", "--yes", *there)[1]) == {"removed": "oidc"}
    with pytest.raises(ApplianceError, match="is set up"):
        cli("directory", "show", "oidc", *there)
    for broken in ("[]", "{", "\0"):
        file.write_text(broken)
        with pytest.raises(ApplianceError):
            cli("directory", "set", "oidc", file, *there)


def test_an_ldap_directory_is_set_up_from_a_file(cli: Run, tmp_path: Path) -> None:
    there = ("--tenant", "one", "--json")
    file = tmp_path / "ldap.json"
    bases = {"user_base": "ou=people,dc=corp", "group_base": "ou=groups,dc=corp"}
    file.write_text(json.dumps({"host": "127.0.0.1", "port": 9, "bind_dn": "cn=reader", **bases}))
    made = document(cli("directory", "set", "ldap", file, "--secret-stdin", *there, typed="w0rd\n")[1])
    assert (made["has_secret"], made["settings"]["security"]) == (True, "ldaps")
    for verb in ("test", "preview"):
        with pytest.raises(ApplianceError, match=r"127\.0\.0\.1"):
            cli("directory", *((verb, "ldap") if verb == "test" else (verb,)), *there)
    asked = document(cli("directory", "sync", "--no-wait", *there)[1])
    assert asked["state"] == "queued"
    assert document(cli("directory", "sync", "--no-wait", *there)[1])["id"] == asked["id"], "one at a time"


def test_from_a_tenant_to_a_revoked_key(cli: Run) -> None:
    assert document(cli("tenants", "create", "north", "--time-zone", "Europe/Zurich", "--json")[1])["state"] == "active"
    assert document(cli("tenants", "change", "north", "--contact", "Ann", "--json")[1])["settings"]["contact"] == "Ann"
    for days, kept in (("30", 30), ("0", None)):
        changed = document(cli("tenants", "change", "north", "--keep-conversations-days", days, "--json")[1])
        assert changed["settings"]["keep_conversations_days"] == kept
    there = ("--tenant", "north", "--json")
    cli("users", "create", "ann", "--role", "editor", "--password-stdin", *there, typed="correct horse battery\n")
    assert document(cli("users", "change", "ann", "--role", "tenant_admin", *there)[1])["role"] == "tenant_admin"
    cli("users", "password", "ann", *there, typed="another horse battery\n")
    assert document(cli("users", "suspend", "ann", *there)[1])["state"] == "suspended"
    assert document(cli("users", "resume", "ann", *there)[1])["state"] == "active"
    cli("groups", "create", "Board", *there)
    assert document(cli("groups", "add", "Board", "ann", *there)[1])["members"] == 1
    cli("groups", "rename", "Board", "Council", *there)
    assert [user["login"] for user in document(cli("groups", "show", "Council", *there)[1])["users"]] == ["ann"]
    assert document(cli("groups", "remove", "Council", "ann", *there)[1])["members"] == 0
    cli("groups", "delete", "Council", "--yes", *there)
    assert document(cli("groups", "list", *there)[1]) == {"items": []}
    old = document(cli("keys", "create", "ann", "--name", "k", "--scope", "ask", "--model", "small", *there)[1])
    new = document(cli("keys", "rotate", old["id"], "--overlap-hours", "1", *there)[1])
    assert new["key"] != old["key"]
    assert document(cli("keys", "revoke", new["id"], *there)[1])["revoked_at"]
    assert document(cli("keys", "show", old["id"], *there)[1])["expires_at"]
    assert {item["id"] for item in document(cli("keys", "list", "--user", "ann", *there)[1])["items"]} == {
        old["id"],
        new["id"],
    }
    assert document(cli("tenants", "suspend", "north", "--json")[1])["state"] == "suspended"
    assert document(cli("tenants", "list", "--state", "suspended", "--json")[1])["items"][0]["name"] == "north"
    assert document(cli("tenants", "resume", "north", "--json")[1])["state"] == "active"
    assert document(cli("users", "show", "ann", *there)[1])["login"] == "ann"


def test_for_people_and_of_the_own_tenant(cli: Run) -> None:
    assert "operator" in cli("users", "list")[1]
    assert "home" in cli("tenants", "show", "home")[1]
    assert "There is no group yet." in cli("groups", "list")[1]
    assert "all" in cli("keys", "list")[1]
    with pytest.raises(NotFound, match="There is no user 'nobody'"):
        cli("users", "show", "nobody")


def test_a_tenant_is_deleted_by_its_typed_name_and_by_no_other(cli: Run, tmp_path: Path) -> None:
    made = document(cli("tenants", "create", "north", "--json")[1])
    with pytest.raises(BadRequest, match="suspended, and not deleted"):
        cli("tenants", "delete", "north", "--confirm", "south", "--json")
    assert document(cli("tenants", "show", "north", "--json")[1])["state"] == "suspended"
    done = document(cli("tenants", "delete", "north", "--confirm", "north", "--json")[1])
    assert (done["state"], done["tenant"]) == ("confirmed", made["id"])
    assert document(cli("tenants", "deletion", made["id"], "--retry", "--json")[1])["job"] == done["job"]
    assert "confirmed" in cli("tenants", "deletion", made["id"])[1]
    with pytest.raises(ApplianceError, match="no certificate yet"):
        cli("tenants", "certificate", made["id"], "--output", tmp_path / "c.json")


def test_a_certificate_is_verified_without_an_appliance(cli: Run, tmp_path: Path) -> None:
    signer, file = Signer("s" * 43), tmp_path / "certificate.json"
    told = {"tenant": {"id": "t", "name": "north"}, "deleted": {"users": {"count": 3, "digest": "ab"}}}
    file.write_text(signer.sign(told))
    found = document(cli("tenants", "verify-certificate", file, "--key", signer.key, "--json")[1])
    assert (found["deleted"]["users"]["count"], found["key"]) == (3, signer.key)
    assert "north" in cli("tenants", "verify-certificate", file)[1]
    with pytest.raises(CertificateInvalid):
        cli("tenants", "verify-certificate", file, "--key", Signer("o" * 43).key)


def test_an_export_arrives_whole(cli: Run, databases: Databases, settings: Settings, tmp_path: Path) -> None:
    cli("tenants", "create", "north", "--json")
    shop, file, ended = Shop(databases), tmp_path / "north.zip", threading.Event()
    exporting.register(shop.registry, lambda: settings)

    def work() -> None:
        while not ended.wait(0.05):
            shop.runner().run_next()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        done = document(cli("tenants", "export", "--tenant", "north", "--output", file, "--json")[1])
        assert "without documents" in cli("tenants", "export", "--tenant", "north", "--output", file)[1]
    finally:
        ended.set()
        worker.join()
    assert (done["content"], done["file"]) == (False, str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    assert ZipFile(file).testzip() is None


def test_people_are_invited_and_come(cli: Run, url: str) -> None:
    cli("groups", "create", "Board", "--tenant", "one", "--json")
    invite = ("users", "invite", "ann", "--name", "Ann Lee", "--role", "editor", "--group", "Board", "--tenant", "one")
    made = document(cli(*invite, "--json")[1])
    assert made["link"].startswith(f"{url}/invitation#iv-")
    _, said = cli("invitations", "show", "ann", "--tenant", "one")
    assert "pending" in said
    assert "iv-" not in said
    status, said = cli("invitations", "resend", "ann", "--days", "2", "--tenant", "one")
    assert (status, "shown this once" in said, made["link"] in said) == (0, True, False)
    cli("users", "invite", "bob", "--tenant", "one")
    assert document(cli("invitations", "revoke", "bob", "--tenant", "one", "--json")[1])["state"] == "revoked"
    listed = document(cli("invitations", "list", "--tenant", "one", "--json")[1])["items"]
    assert {item["login"]: item["state"] for item in listed} == {"ann": "pending", "bob": "revoked"}
    assert "There is no such invitation" in cli("invitations", "list", "--state", "accepted", "--tenant", "one")[1]
    with pytest.raises(NotFound):
        cli("invitations", "show", "eve", "--tenant", "one")
