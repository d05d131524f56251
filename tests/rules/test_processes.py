"""What a process may not load: the web, Celery's parent and the index cost 100 MB each without torch, 700 with it."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "sentence_transformers", "vllm")
SLOW = ("sqlalchemy", "fastapi", "numpy", "celery")
LIGHT = ("appliance.entry.web", "appliance.entry.worker", "appliance.entry.index", "appliance.entry.up")


@pytest.mark.parametrize("module", LIGHT)
def test_a_parent_process_never_imports_torch(module: str) -> None:
    told = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    child = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=False, timeout=110)
    assert child.returncode == 0, child.stderr
    assert child.stdout.strip().splitlines()[-1] == "[]"


def test_the_command_line_answers_without_loading_the_appliance() -> None:
    told = f"import sys, appliance.entry.cli.main; print([name for name in {SLOW!r} if name in sys.modules])"
    child = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=False, timeout=110)
    assert child.returncode == 0, child.stderr
    assert child.stdout.strip() == "[]"
