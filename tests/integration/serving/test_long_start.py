"""An engine whose start takes longer than the longest one: time for what works, none for what hangs."""

import pytest

from tests.factories.processes import until
from tests.integration.serving.conftest import Engines

SECONDS = 3
"""The longest start here. What imports Python's modules takes one, or two beside other tests."""
COMPILING = """
import subprocess
import sys
import time
from pathlib import Path

Path("starts").open("a").write("x")
work = "import time; end = time.monotonic() + 3 * {seconds}\\nwhile time.monotonic() < end: pass"
subprocess.run([sys.executable, "-c", work], check=True, start_new_session=True)
from appliance.drivers.vllm.scripted import main

main()
"""
HANGING = """
import time
from pathlib import Path

Path("starts").open("a").write("x")
time.sleep(1000)
"""
LOOPING = """
from pathlib import Path

Path("starts").open("a").write("x")
while True:
    pass
"""


def program(engines: Engines, text: str, seconds: int = SECONDS) -> None:
    """Have engines run this."""
    (engines.settings.layout.run / "slow.py").write_text(text.replace("{seconds}", str(seconds)))
    engine = engines.settings.engine.model_copy(update={"program": "slow", "start_seconds": seconds})
    engines.settings = engines.settings.model_copy(update={"engine": engine})


def starts(engines: Engines) -> int:
    path = engines.settings.layout.run / "starts"
    return len(path.read_text()) if path.is_file() else 0


def test_one_whose_child_still_compiles_is_waited_for(engines: Engines) -> None:
    program(engines, COMPILING)
    with engines.running():
        row = engines.until("running", 60)
    assert (row.restarts, starts(engines)) == (0, 1)


@pytest.mark.parametrize(("text", "longest"), [(HANGING, SECONDS), (LOOPING, 6)])
def test_one_that_hangs_or_goes_round_in_a_loop_is_started_again(engines: Engines, text: str, longest: int) -> None:
    program(engines, text, SECONDS if text == HANGING else 1)
    reason = f"not ready after {longest} s; ended with signal "
    with engines.running():
        row = engines.until("backing_off", 60)
        assert str(row.reason).startswith(reason)
        until(lambda: starts(engines) == 2, 20)
