"""The web process as it is started by hand, without `up` and its checks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.counted
def test_an_address_that_others_reach_is_not_served_without_a_certificate(tmp_path: Path) -> None:
    environment = {**os.environ, "APPLIANCE_DATA": str(tmp_path), "APPLIANCE_WEB__HOST": "0.0.0.0"}
    web = subprocess.run(
        [sys.executable, "-m", "appliance.entry.web"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert web.returncode == 1
    assert "certificate" in web.stderr
