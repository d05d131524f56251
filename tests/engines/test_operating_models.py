"""The operator's page on models, as it stands, on a whole appliance with real engines.

It starts five: the appliance's own, the second version's, that again after a kill, one each for swap and roll-back.
On two cores that takes minutes, so it is no part of `make test`; `.ci/run` has a step of its own for it. The weights
are random and few, under the name that the page has.
"""

import json
import shutil
from pathlib import Path

import pytest

from appliance.drivers.vllm.arguments import EngineSettings
from bin import tiny_model
from tests.factories import models
from tests.factories.appliance import MODELS
from tests.factories.operating import BASE, Pace, follow, operated

pytestmark = pytest.mark.vllm

STARTS = 5
START_SECONDS = 900
"""Of one engine on a busy machine; the host itself waits for as long as its processes work, up to an hour."""
PAUSE = 3
"""For a second after each answer an engine's worker spins, on the very core on which the next one starts."""
PACE = Pace(start=START_SECONDS, block=2 * START_SECONDS, known=30, pause=PAUSE)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The model store, but for the language model: one of the same class with two small layers."""
    made = tmp_path / "store"
    shutil.copytree(MODELS, made, ignore=lambda _directory, _names: [BASE])
    tiny_model.build("LlamaForCausalLM", made / BASE, MODELS / BASE)
    config = made / BASE / "config.json"
    told = json.loads(config.read_text())
    config.write_text(json.dumps({**told, "max_position_embeddings": EngineSettings().context}))
    models.seal(made / BASE)
    return made


@pytest.mark.timeout(3 * START_SECONDS)
def test_the_page_on_models_is_true_on_real_engines_and_callers_notice_nothing(store: Path, tmp_path: Path) -> None:
    with operated(tmp_path, store, PACE) as site:
        follow(site)
        logs = site.appliance.layout.logs.glob("engine-*.log*")
        told = "".join(path.read_text(errors="replace") for path in logs)
    assert told.count("KV cache size: ") == STARTS
