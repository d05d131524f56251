"""A plan for a version that is here, over HTTP and by the verb."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.catalog import fitting
from appliance.catalog.fit import GIB, Machine
from appliance.catalog.service import Catalog
from appliance.drivers import devices
from appliance.drivers.devices import Device
from appliance.kit.settings import Settings
from tests.factories import models
from tests.factories.cli import Run, document
from tests.integration.web.conftest import House
from tests.unit.catalog.test_fit import SMOLLM2


@pytest.fixture
def small(stocked: Settings, databases: Databases) -> UUID:
    """A version with the configuration of a real model."""
    directory = models.model(stocked.model_store, "small")
    (directory / "config.json").write_text(json.dumps({**SMOLLM2, "dtype": "bfloat16"}))
    models.seal(directory)
    with databases.operator.session() as session:
        return Catalog(session).register(directory).id


def test_a_plan_tells_its_parts_and_one_that_does_not_fit_the_nearest(
    client: TestClient, house: House, small: UUID, stocked: Settings
) -> None:
    member = House.bearer(house.member_of_one)

    def ask(**query: str | int) -> dict[str, object]:
        return dict(client.get(f"/api/v1/models/{small}/fit", params=query, headers=member).json())

    plan = ask(gpu="cpu:4GB", context=4096, concurrency=8)
    assert (plan["fits"], plan["reasons"], plan["nearest"]) == (True, [], None)
    engine = plan["engine"]
    assert isinstance(engine, dict)
    assert engine["cache_gib"] * GIB == plan["cache"]
    wide = ask(gpu="cpu:4GB", context=65536, concurrency=8)
    assert wide["fits"] is False
    assert ask(gpu="cpu:4GB", adapters=4)["adapters"] != 0
    assert ask()["fits"] in (True, False)  # this host
    assert ask(gpu="a lot")["code"] == "bad_machine"
    for text in ("{", "[]", json.dumps({"model_type": "llama"})):
        (stocked.model_store / "small" / "config.json").write_text(text)
        assert ask(gpu="cpu:4GB")["code"] == "model_shape_unknown"


def test_the_files_count_where_an_engine_loads_them_as_they_are(
    client: TestClient, house: House, small: UUID, stocked: Settings
) -> None:
    member = House.bearer(house.member_of_one)
    path = stocked.model_store / "small" / "config.json"

    def weights(quantisation: str, dtype: str = "bfloat16") -> int:
        query = {"gpu": "cpu:4GB", "quantisation": quantisation, "dtype": dtype}
        return int(client.get(f"/api/v1/models/{small}/fit", params=query, headers=member).json()["weights"])

    size = sum(file.stat().st_size for file in path.parent.iterdir() if file.name != "manifest.json")
    assert weights("none") == size
    assert weights("none", "float32") > 100_000_000
    path.write_text(json.dumps({**SMOLLM2, "quantization_config": {"quant_method": "awq"}}))
    assert (weights("awq"), weights("none") > 100_000_000) == (size, True)


def test_this_host_s_plan_is_in_what_its_engines_compute_in(client: TestClient, house: House, small: UUID) -> None:
    member = House.bearer(house.member_of_one)
    engine = client.get(f"/api/v1/models/{small}/fit", params={"context": 512}, headers=member).json()["engine"]
    assert engine["dtype"] == ("bfloat16" if devices.bfloat16() else "float32")
    processor, card = Machine("cpu", 1, 5), Machine("cuda", 1, 5)
    known = [fitting.numbers(machine, bfloat16=knows) for machine in (processor, card) for knows in (True, False)]
    assert known == ["bfloat16", "float32", "bfloat16", "bfloat16"]


def test_this_host_is_its_cards_or_its_processor() -> None:
    cpu, big, less = Device("cpu", 0, "p", 9, 5), Device("cuda", 0, "a", 80, 70), Device("cuda", 1, "b", 40, 40)
    assert fitting.here((cpu,)) == Machine("cpu", 1, 5)
    assert fitting.here((cpu, big, less)) == Machine("cuda", 2, 40)


def test_the_verb_tells_what_fits_and_what_would(cli: Run, small: UUID, tmp_path: Path) -> None:
    code, told = cli("models", "fit", "small", "--gpu", "cpu:4GB", "--concurrency", 8)
    assert (code, "It fits: 8 requests of 4096 tokens" in told) == (0, True)
    assert "cache_gib" in told
    code, told = cli("models", "fit", str(small), "--gpu", "cpu:4GB", "--context", 65536)
    assert (code, "It does not fit" in told, "The nearest that fits" in told) == (1, True, True)
    assert "made for 8192 tokens" in told
    assert "Nothing smaller" in cli("models", "fit", "small", "--gpu", "cpu:1GB")[1]
    assert document(cli("models", "fit", "small", "--gpu", "1x24GB", "--quantisation", "fp8", "--json")[1])["fits"]
