"""The operator's page on models, as it stands, on a whole appliance; and what callers are told meanwhile.

The engines are scripted, since the page starts five of them; `tests/engines` has real ones do the same.
"""

from pathlib import Path

from tests.factories.appliance import MODELS
from tests.factories.operating import Pace, follow, operated

SCRIPTED = "appliance.drivers.vllm.scripted"
PACE = Pace(start=600, block=300)


def test_the_page_on_models_is_true_and_callers_notice_nothing(tmp_path: Path) -> None:
    with operated(tmp_path, MODELS, PACE, APPLIANCE_ENGINE__PROGRAM=SCRIPTED) as site:
        follow(site)
