"""What slipcover counts is told as coverage would have counted it: each line, and each way of each branch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = '''"""A module."""
import contextlib
import sys


def ways(number):
    found = []
    if number > 1:
        found.append("more")
    elif number == 1:
        found.append("one")
    for each in range(number):
        if each == 2:
            break
        found.append(each)
    else:
        found.append("all")
    while number > 3:
        number -= 1
        with contextlib.suppress(ValueError):
            if number == 3:
                raise ValueError
    try:
        if number == 3:
            found.append(
                1 / 0
                if number
                else 2,
            )
    except ZeroDivisionError:
        found.append("none")
    finally:
        found.append("end")
    match number:
        case 0:
            found.append("zero")
        case 1 | 2:
            found.append("few")
    if number: return [each for each in found
                       if each]
    return found


async def other(number):
    if number:
        return lambda: number
    async with contextlib.aclosing(number) as it:
        async for each in it:
            print(each)


class Kind:
    size: int
    if sys.platform == "win32":
        size = 1

    def never(self):
        return self.size


if __name__ == "__main__":
    for given in sys.argv[1:]:
        ways(int(given))
'''

MAIN = """import sys
from ours.module import ways
for given in sys.argv[1:]:
    ways(int(given))
"""
COUNTED = """from pathlib import Path
from tests.counting import count
count("ours", Path("lines"))
"""


def run(place: Path, *command: str) -> None:
    """A command of this environment's Python, in this place."""
    root = Path(__file__).parents[2]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(root), "COVERAGE_FILE": str(place / "data")}
    env |= {"TESTS_LINES": "lines"}
    subprocess.run([sys.executable, *command], cwd=place, env=env, check=True)


@pytest.mark.parametrize("given", [(), ("0",), ("1",), ("2",), ("5",), ("0", "1", "3", "5")])
def test_both_count_the_same(tmp_path: Path, given: tuple[str, ...]) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "module.py").write_text(SOURCE)
    (tmp_path / "lines").mkdir()
    (tmp_path / "main.py").write_text(MAIN)
    (tmp_path / "counted.py").write_text(COUNTED + MAIN)
    run(tmp_path, "-m", "coverage", "run", "--branch", "--source", "ours", "main.py", *given)
    run(tmp_path, "-m", "coverage", "json", "-q", "-o", "wanted.json")
    (tmp_path / "data").unlink()
    run(tmp_path, "counted.py", *given)
    run(tmp_path, "-m", "tests.counting")
    run(tmp_path, "-m", "coverage", "combine", "-q")
    run(tmp_path, "-m", "coverage", "json", "-q", "-o", "found.json")
    wanted, found = (json.loads((tmp_path / name).read_bytes())["files"] for name in ("wanted.json", "found.json"))
    for name, told in wanted.items():
        for kind in ("executed_lines", "missing_lines", "executed_branches", "missing_branches"):
            assert found[name][kind] == told[kind], (name, kind)
