"""What a process asks of the scheduler arrives there, where the kernel knows of it."""

import ctypes
import gc
import os
import platform
import struct
import subprocess
import sys

import pytest

from appliance.kit.priority import PROMPT, USUAL, settle, slice_of

GETATTR = {"x86_64": 315, "aarch64": 275}
KERNEL = tuple(int(part) for part in platform.release().split(".")[:2])


def _attributes(thread: int) -> tuple[int, int]:
    """Nice value and slice in nanoseconds of a thread."""
    answer = ctypes.create_string_buffer(56)
    assert ctypes.CDLL(None).syscall(GETATTR[platform.machine()], thread, answer, 56, 0) == 0
    _, _, _, nice, _, runtime, *_ = struct.unpack("=IIQiIQQQII", answer.raw)
    return nice, runtime


@pytest.mark.skipif(KERNEL < (6, 12), reason="this kernel grants every process the same slice")
def test_a_process_gets_a_short_slice_keeps_its_nice_value_and_gets_the_usual_slice_back() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as child:
        os.setpriority(os.PRIO_PROCESS, child.pid, 3)
        usual = _attributes(child.pid)
        slice_of(child.pid, PROMPT)
        assert _attributes(child.pid) == (3, PROMPT)
        slice_of(child.pid, USUAL)
        assert _attributes(child.pid) == usual
        child.communicate(b"\n")


def test_yielding_changes_the_group_and_a_process_that_is_gone_is_passed_over() -> None:
    code = (
        "from pathlib import Path; from appliance.kit.priority import yield_to_others; yield_to_others(7);"
        "print(Path('/proc/self/autogroup').read_text() if Path('/proc/self/autogroup').exists() else 'nice 7')"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], start_new_session=True, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip().endswith("nice 7")
    slice_of(2**22 + 1, PROMPT)


def test_what_lives_at_the_end_of_start_up_is_not_looked_at_again() -> None:
    try:
        settle()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
