"""A page's commands, run as they stand."""

import re
import subprocess
from pathlib import Path

from tests.factories.appliance import PROGRAM, ROOT

_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[str]:
    """The shell blocks of a page, in order."""
    return _BLOCK.findall(page.read_text(encoding="utf-8"))


def run(block: str, environment: dict[str, str], seconds: float) -> str:
    """What a block printed; every command of it must succeed."""
    path = f"{PROGRAM.parent}:{environment['PATH']}"
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", block],
        cwd=ROOT,
        env={**environment, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
    return done.stdout
