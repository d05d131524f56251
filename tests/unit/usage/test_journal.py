"""The usage journal: what is written is found again, whoever died in between."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from appliance.kit import clock
from appliance.kit.ids import uuid7
from appliance.usage.journal import Charge, Journal, UsageRecord, finished, from_line, records, to_line


def _record() -> UsageRecord:
    return UsageRecord(
        request_id=uuid7(),
        tenant_id=uuid7(),
        user_id=uuid7(),
        key_id=None,
        route="default",
        model_digest="sha256:1",
        adapter_digest=None,
        outcome="done",
        prompt_tokens=10,
        completion_tokens=3,
        first_token_seconds=0.5,
        total_seconds=1.25,
        started_at=clock.now(),
    )


@given(route=st.text(), tokens=st.integers(0, 2**40), seconds=st.floats(0, 1e6))
def test_a_record_survives_its_line(route: str, tokens: int, seconds: float) -> None:
    record = replace(_record(), route=route, prompt_tokens=tokens, total_seconds=seconds, key_id=uuid7())
    line = to_line(record)
    assert line.count(b"\n") == 1
    assert from_line(line) == record


def test_a_line_of_an_older_or_newer_release_is_read(tmp_path: Path) -> None:
    record = _record()
    told = json.loads(to_line(replace(record, charges=(Charge(str(uuid7()), str(uuid7())),), cached_tokens=3)))
    assert from_line(json.dumps(told).encode()).charges
    for added in ("cached_tokens", "queue_seconds", "gpu_seconds", "asked", "source", "charges"):
        del told[added]
    assert from_line(json.dumps({**told, "of_tomorrow": 1}).encode()) == record


def test_an_open_file_is_left_alone_and_a_finished_one_found(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    first, second = _record(), _record()
    journal.write(first)
    assert list(finished(tmp_path)) == []
    journal.finish()
    (path,) = finished(tmp_path)
    assert list(records(path)) == [first]
    journal.write(second)
    assert list(finished(tmp_path)) == [path]
    journal.finish()
    assert [record for path in finished(tmp_path) for record in records(path)] == [first, second]


WATCHED = """
import sys
from pathlib import Path
from appliance.usage.journal import Journal, finished, from_line
directory, seen, looking = Path(sys.argv[1]), [], False
def hook(event, _):
    global looking
    if event == "fcntl.flock" and not looking:
        looking = True
        seen.extend(finished(directory))
        looking = False
sys.addaudithook(hook)
Journal(directory).write(from_line(sys.stdin.buffer.readline()))
sys.exit(len(seen))
"""


def test_a_drainer_never_finds_a_file_before_it_is_locked(tmp_path: Path) -> None:
    """It looks at the moment before the lock: a file that it found then would be removed under its writer's hands."""
    done = subprocess.run([sys.executable, "-c", WATCHED, str(tmp_path)], input=to_line(_record()), check=False)
    assert done.returncode == 0
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_that_another_drainer_removed_is_passed_over(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.jsonl").write_bytes(to_line(_record()))
    looking = finished(tmp_path)
    assert next(looking).name == "a.jsonl"
    (tmp_path / "b.jsonl").unlink()
    assert list(looking) == []


def test_finishing_an_unused_journal_leaves_nothing(tmp_path: Path) -> None:
    Journal(tmp_path).finish()
    assert list(tmp_path.iterdir()) == []


def test_journal_files_are_private(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(_record())
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600]
    journal.finish()


def test_a_torn_last_line_costs_only_itself(tmp_path: Path) -> None:
    whole = _record()
    path = tmp_path / "x.jsonl"
    path.write_bytes(to_line(whole) + to_line(_record())[:40])
    assert list(records(path)) == [whole]


WRITER = """
import os, signal, sys
from pathlib import Path
from appliance.usage.journal import Journal, from_line
journal = Journal(Path(sys.argv[1]))
for line in sys.stdin.buffer:
    journal.write(from_line(line))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_records_of_a_killed_process_are_found(tmp_path: Path) -> None:
    written = [_record() for _ in range(20)]
    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        input=b"".join(map(to_line, written)),
        env={**os.environ},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert [record for path in finished(tmp_path) for record in records(path)] == written


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b'{"request_id": 1}', b"\xff\xfe"])
def test_foreign_lines_are_passed_over(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(line + b"\n")
    assert list(records(path)) == []
