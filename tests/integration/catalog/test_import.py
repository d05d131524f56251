"""A model version from outside: a job copies, checks, seals and registers it; nothing hostile gets further."""

import json
import shutil
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import httpx2
import pytest
from starlette.testclient import TestClient

from appliance.catalog import gather, importing, manifest, packing
from appliance.catalog.entry import ENTRIES
from appliance.catalog.service import Catalog, inspect
from appliance.kit.ids import uuid7
from appliance.kit.settings import CatalogSettings
from tests.factories import lora, models
from tests.integration.catalog.works import PATH, Works
from tests.integration.web.conftest import House
from tests.unit.catalog.test_oms import keys

INDEX = '{"weight_map": {"a": "gone.safetensors"}}'


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A model's directory as one downloads it: no manifest, a tokenizer, a chat template."""
    directory = lora.base(tmp_path / "outside", "download")
    (directory / manifest.NAME).unlink()
    (directory / "tokenizer.json").write_text("{}")
    (directory / "chat_template.jinja").write_text("{{ messages }}")
    return directory


def test_a_directory_becomes_a_version_that_is_sealed_and_not_yet_active(works: Works, outside: Path) -> None:
    job = works.bring(outside)
    model = works.model(job)
    assert (model["state"], model["kind"], model["signature"]) == ("verified", "language", "unsigned")
    assert {"tokenizer.json", "chat_template.jinja"} <= set(model["files"])
    assert (model["activated_at"], model["entry"]) == (None, None)
    assert len(model["doubts"]) == 8
    directory = works.settings.model_store / f"tiny@{model['digest'][:12]}"
    assert works.left() == [directory.name]
    assert {path.stat().st_mode & 0o222 for path in directory.rglob("*")} == {0}
    assert list((works.settings.model_store / importing.WORK).iterdir()) == []
    with works.databases.app.session() as session:
        assert inspect(Catalog(session).one(UUID(model["id"]))).state == "verified"
    stages = works.client.get(f"/api/v1/jobs/{job['id']}/events", headers=works.headers).text
    assert '"copy"' in stages
    assert '"verify"' in stages
    again = works.model(works.bring(outside))
    assert again["id"] == model["id"]
    (outside / "chat_template.jinja").write_text("another")
    other = works.model(works.bring(outside))
    assert other["id"] != model["id"]
    assert len(works.left()) == 2


def test_a_bundle_brings_its_name_and_is_held_to_its_own_manifest(works: Works, outside: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "model.tar"
    sealed = packing.pack(outside, bundle, "packed", "MIT", None)
    model = works.model(works.bring(bundle, None))
    assert (model["name"], model["digest"], model["licence"]) == ("packed", sealed.digest, "MIT")
    with tarfile.open(bundle, "a") as archive:
        archive.add(outside / "config.json", "added.json")
    job = works.bring(bundle, None)
    assert (job["state"], job["error_code"]) == ("failed", "source_refused")
    assert "other files" in job["error"]


def test_a_package_is_found_without_running_any_of_it(
    works: Works, outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "canary_model_package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('the package was imported')")
    shutil.copytree(outside, package / "weights")
    monkeypatch.syspath_prepend(package.parent)
    assert works.model(works.bring("package:canary_model_package"))["name"] == "tiny"
    assert "canary_model_package" not in sys.modules
    for absent in ("package:nothing_of_this_name", "package:../x", "package:appliance"):
        assert works.ask(absent).json()["code"] == "source_refused"


def test_with_an_entry_the_terms_are_the_catalogue_s(works: Works, outside: Path) -> None:
    model = works.model(works.bring(outside, "mine", entry="smollm2-135m-instruct"))
    assert (model["entry"], model["licence"], model["doubts"]) == ("smollm2-135m-instruct", "Apache-2.0", [])
    assert works.ask(outside, entry="nobody").json()["code"] == "entry_not_found"
    assert ENTRIES.is_dir()


HOSTILE: tuple[tuple[Callable[[Path], object], str], ...] = (
    (lambda path: (path / "canary.py").write_text("raise SystemExit"), "no code"),
    (lambda path: (path / "pytorch_model.bin").write_bytes(b"\x80\x04."), "no pickle"),
    (lambda path: (path / "model.gguf").write_bytes(b"GGUF"), "not a kind"),
    (lambda path: (path / "link.json").symlink_to("/etc/passwd"), "is a link"),
    (lambda path: (path / "config.json").write_text('{"auto_map": {"AutoModel": "canary.Model"}}'), "auto_map"),
    (lambda path: (path / "model.safetensors").write_bytes(b"\x80\x04 a pickle by another name"), "a header of"),
    (lambda path: (path / "tokenizer.json").write_text("[" * 200_000), "is not JSON"),
    (lambda path: (path / "tokenizer.json").unlink(), "no tokenizer"),
    (lambda path: (path / "config.json").unlink(), "no config"),
    (
        lambda path: (path / "model.safetensors.index.json").write_text(INDEX),
        "gone.safetensors is missing",
    ),
    (lambda path: (path / "model.safetensors.index.json").write_text("[]"), "no index of weights"),
    (lambda path: (path / "model.sig").write_text("{}"), "no signature"),
)


def test_what_is_hostile_or_incomplete_is_refused_and_leaves_nothing(works: Works, outside: Path) -> None:
    for number, (spoil, named) in enumerate(HOSTILE):
        source = shutil.copytree(outside, outside.with_name(f"hostile-{number}"))
        spoil(source)
        job = works.bring(source)
        assert job["state"] == "failed", (named, job)
        assert named in job["error"]
        assert works.left() == []
        assert list((works.settings.model_store / importing.WORK).iterdir()) == []
    assert works.client.get(PATH, headers=works.headers).json()["items"] == []


def test_a_module_that_a_configuration_names_is_never_imported(works: Works, outside: Path, tmp_path: Path) -> None:
    """auto_map makes loaders import Python from the model's directory, trust_remote_code or not: vLLM did."""
    canary = tmp_path / "the canary sang"
    module = f"import pathlib\npathlib.Path({str(canary)!r}).touch()\nclass Model: pass\n"
    mapped = json.dumps(
        {"model_type": "llama", "auto_map": {"AutoConfig": "canary.Model", "AutoModel": "canary.Model"}}
    )
    (outside / "canary.py").write_text(module)
    (outside / "config.json").write_text(mapped)
    assert "no code" in works.bring(outside)["error"]
    (outside / "canary.py").unlink()
    assert "auto_map" in works.bring(outside)["error"]
    sealed = works.settings.model_store / models.LANGUAGE  # put into the store itself, with a manifest that fits
    (sealed / "canary.py").write_text(module)
    (sealed / "config.json").write_text(mapped)
    models.seal(sealed)
    job = works.client.post(f"{PATH}/pull", json={"name": models.LANGUAGE}, headers=works.headers).json()
    works.work()
    ended = works.client.get(f"/api/v1/jobs/{job['id']}", headers=works.headers).json()
    assert (ended["state"], ended["error_code"]) == ("failed", "weights_tampered")
    assert not canary.exists()


def test_a_source_that_cannot_be_one_is_refused_at_once(works: Works) -> None:
    refused = {
        "relative/path": "invalid_request",
        "/a\0b": "invalid_request",
        "/nowhere/at/all": "source_refused",
        "/etc/../etc": "source_refused",
        "/dev/zero": "source_refused",
    }
    for path, code in refused.items():
        answer = works.ask(path)
        assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_an_import_without_a_name_or_without_room_fails_with_the_reason(
    works: Works, outside: Path, tmp_path: Path
) -> None:
    assert "give it a name" in works.bring(outside, None)["error"]
    with (outside / "huge.safetensors").open("wb") as file:
        file.truncate(shutil.disk_usage(tmp_path).total)
    job = works.bring(outside)
    assert (job["state"], job["error_code"]) == ("failed", "no_room")


def test_an_import_goes_on_where_a_killed_worker_was(works: Works, outside: Path) -> None:
    job = works.ask(outside).json()
    work = importing.workplace(works.settings.model_store, UUID(job["id"]))
    gather.gather(outside, work, 1 << 40, lambda _: None)  # as the killed one did
    kept = (work / gather.FILES / "model.safetensors").stat().st_ino
    works.work()
    done = works.client.get(f"/api/v1/jobs/{job['id']}", headers=works.headers).json()
    model = works.model(done)
    place = works.settings.model_store / f"tiny@{model['digest'][:12]}" / "model.safetensors"
    assert place.stat().st_ino == kept


def test_a_cancelled_import_leaves_nothing(works: Works, outside: Path) -> None:
    job = works.ask(outside).json()
    works.client.post(f"/api/v1/jobs/{job['id']}/cancel", headers=works.headers)
    assert works.left() == []


def test_what_was_copied_is_what_is_loaded_however_the_source_changes(works: Works, outside: Path) -> None:
    model = works.model(works.bring(outside))
    (outside / "config.json").write_text('{"auto_map": {"AutoModel": "canary.Model"}}')
    with works.databases.app.session() as session:
        version = Catalog(session).one(UUID(model["id"]))
    assert inspect(version).state == "verified"
    assert "auto_map" not in (version.directory / "config.json").read_text()


def test_a_signature_by_a_trusted_key_is_shown_and_may_be_demanded(works: Works, outside: Path, tmp_path: Path) -> None:
    private, public = keys(tmp_path)
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    bundle = tmp_path / "signed.tar"
    packing.pack(outside, bundle, "tiny", "MIT", private)
    assert works.model(works.bring(bundle))["signature"] == "untrusted"
    works.settings = works.settings.model_copy(
        update={"catalog": CatalogSettings(trusted_keys=trusted, unsigned="refuse")}
    )
    job = works.bring(bundle)
    assert (job["error_code"], "untrusted" in job["error"]) == ("bad_signature", True)
    assert "unsigned" in works.bring(outside)["error"]
    shutil.copy(public, trusted / "vendor.pem")
    model = works.model(works.bring(bundle))
    assert (model["signature"], len(model["signed_by"])) == ("verified", 64)


def test_only_an_operator_imports_shows_terms_and_activates(
    works: Works, outside: Path, client: TestClient, house: House
) -> None:
    member = House.bearer(house.admin_of_one)
    body = {"path": str(outside), "name": "tiny"}
    assert client.post(f"{PATH}/import", json=body, headers=member).status_code == 403
    model = works.model(works.bring(outside))
    assert client.post(f"{PATH}/{model['id']}/activate", json={}, headers=member).status_code == 403
    assert client.get(f"{PATH}/{model['id']}", headers=member).json()["digest"] == model["digest"]


def test_a_licence_in_doubt_is_accepted_by_name_with_a_reason_and_audited(works: Works, outside: Path) -> None:
    model = works.model(works.bring(outside))
    activate = f"{PATH}/{model['id']}/activate"

    def attempt(**body: object) -> httpx2.Response:
        return works.client.post(activate, json=body, headers=works.headers)

    assert attempt().json()["code"] == "weights_licence_not_accepted"
    told = attempt(accept_licence=True)
    assert (told.status_code, told.json()["code"]) == (409, "weights_licence_in_doubt")
    assert len(told.json()["doubts"]) == 8
    assert attempt(accept_licence=True, override="because").status_code == 422
    done = attempt(accept_licence=True, override="Counsel read the terms: file 2026/17.").json()
    me = works.client.get("/api/v1/me", headers=works.headers).json()
    assert done["activated_by"] == me["user_id"]
    assert done["accepted"]["override"] == "Counsel read the terms: file 2026/17."
    assert attempt(accept_licence=True).json() == done
    entries = works.client.get("/api/v1/audit", headers=works.headers).json()["items"]
    (written,) = [entry for entry in entries if entry["action"] == "model.activate"]
    assert (written["object"], written["actor"]) == (model["id"], me["user_id"])
    assert written["details"]["override"] == "Counsel read the terms: file 2026/17."
    absent = works.client.post(f"{PATH}/{uuid7()}/activate", json={"accept_licence": True}, headers=works.headers)
    assert absent.json()["code"] == "model_not_found"


def test_a_reranker_is_one_by_its_entry_and_its_terms_are_known(works: Works, outside: Path) -> None:
    model = works.model(works.bring(outside, "ranks", entry="bge-reranker-v2-m3"))
    assert (model["kind"], model["licence"], model["doubts"]) == ("reranker", "Apache-2.0", [])


def test_an_entry_whose_licence_nobody_could_read_is_not_activated_without_a_reason(
    works: Works, outside: Path
) -> None:
    model = works.model(works.bring(outside, "glm", entry="glm-4-9b-0414"))
    activate = f"{PATH}/{model['id']}/activate"
    refused = works.client.post(activate, json={"accept_licence": True}, headers=works.headers).json()
    assert (refused["code"], refused["doubts"]) == ("weights_licence_in_doubt", model["doubts"])
    assert "commercial is unknown" in model["doubts"]
    body = {"accept_licence": True, "override": "Read at the makers': file 2026/18."}
    done = works.client.post(activate, json=body, headers=works.headers).json()
    assert done["accepted"]["doubts"] == model["doubts"]


def test_known_terms_need_no_reason(works: Works, outside: Path) -> None:
    model = works.model(works.bring(outside, entry="smollm2-135m-instruct"))
    done = works.client.post(
        f"{PATH}/{model['id']}/activate", json={"accept_licence": True, "override": None}, headers=works.headers
    ).json()
    assert (done["accepted"]["licence"], done["accepted"]["override"]) == ("Apache-2.0", None)
    assert json.loads((works.settings.model_store / works.left()[0] / manifest.NAME).read_text())["name"] == "tiny"
