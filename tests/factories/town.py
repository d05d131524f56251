"""A whole appliance with two tiny models on real engines, and two tenants with an adapter each for the first."""

import random
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from prometheus_client.parser import text_string_to_metric_families

from appliance.drivers.vllm.control import EngineControl
from tests.factories import lora, tiny
from tests.factories.appliance import Appliance
from tests.factories.callers import Told, ask

BASE: Final = "smollm2-135m-instruct"
FIRST, SECOND, THIRD = (name.lower() for name in tiny.CLASSES)
"""Model versions; deployments have their names. The third takes over from the second, once a test says so."""
NORTH, SOUTH = "tiny-north", "tiny-south"
GUARDED: Final = "tiny-guarded"
"""A route to the first with the appliance's own model for a fallback."""


def do(appliance: Appliance, *arguments: str) -> None:
    done = appliance.run(*arguments)
    assert done.returncode == 0, done.stderr


def replica(appliance: Appliance, deployment: str, what: str) -> Any:  # noqa: ANN401 - a value of a row
    query = f"select r.{what} from replicas r join deployments d on d.id = r.deployment_id where d.name = %s"  # noqa: S608 - names of this file
    return appliance.value(query, deployment)


def control(appliance: Appliance, deployment: str) -> EngineControl:
    """The one engine of a deployment, past the gateway and without its key."""
    return EngineControl(appliance.layout.engine_socket(replica(appliance, deployment, "id")), "")


def counted(appliance: Appliance, deployment: str, metric: str) -> float:
    """What its engine itself counts, with whatever labels."""
    told = control(appliance, deployment).metrics()
    assert metric in told, "the engine does not tell"
    samples = (sample for family in text_string_to_metric_families(told) for sample in family.samples)
    return sum(sample.value for sample in samples if sample.name == metric)


def adapter(appliance: Appliance, work: Path, tenant: str, seed: int) -> None:
    """Import an adapter of a tenant for the first model: random weights, great enough to change what it says."""
    base = Path(str(appliance.value("select directory from model_versions where name = %s", FIRST)))
    dice = random.Random(seed)
    numbers = struct.pack("<1009f", *(dice.gauss(0, 1) for _ in range(1009)))
    made = lora.smollm2(work / f"{tenant}-{seed}", base, 4, ("o_proj",), numbers)
    do(appliance, "adapters", "import", str(made), "--name", "style", "--base", FIRST, "--tenant", tenant)


@dataclass(frozen=True, slots=True)
class Town:
    """The appliance, a key of somebody in each tenant, and the digest of each model version by name."""

    appliance: Appliance
    work: Path
    keys: dict[str, str]
    digests: dict[str, str]


def digests(appliance: Appliance) -> dict[str, str]:
    with appliance.api() as client:
        return {one["name"]: one["digest"] for one in client.get("/api/v1/models").json()["items"]}


def told(town: Town, route: str, key: str | None = None) -> Told:
    """What somebody who may ask is told; eight words."""
    with town.appliance.api(key or town.keys.get(route)) as client:
        return Told.of(ask(client, route, words=8))
