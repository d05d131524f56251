"""What is known of ideographs, and what knowing it costs a process."""

import subprocess
import sys

import opencc

from appliance.knowledge.script import tables

GROWTH = """
from pathlib import Path
from appliance.knowledge.script import tables

def held():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty"))

before = held()
tables()
print(held() - before)
"""


def test_the_characters_of_one_script_alone_are_those_that_opencc_changes() -> None:
    """With its own configuration, phrases and all; a national standard then says which of them the other lacks."""
    whole = opencc.OpenCC("s2t")
    ideographs = [chr(point) for point in range(0x4E00, 0xA000)]
    changed = {
        old for old, new in zip(ideographs, whole.convert("\n".join(ideographs)).split("\n"), strict=True) if old != new
    }
    lacked = {one for one in changed if not one.encode("big5", errors="ignore")}
    assert {one for one in tables().only_hans if one in set(ideographs)} == lacked
    assert {"们", "这"} < tables().only_hans
    assert {"們", "這"} < tables().only_hant
    assert tables().fold[ord("著")] == "着"


def test_they_cost_a_process_a_few_mib() -> None:
    """It was 47, in web and in each child of the worker."""
    done = subprocess.run([sys.executable, "-c", GROWTH], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 12 * 1024
