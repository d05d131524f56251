"""``bin/apt`` installs without starting a service, and leaves the machine's own policy as it was, however it ends."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.factories.processes import until

SCRIPT = Path(__file__).parents[2] / "bin" / "apt"
OWN = "#!/bin/sh\n# the machine's own\nexit 0\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A clone with the script, and Debian's programs, which write down what a package's installation would be told."""
    (tmp_path / "bin").mkdir()
    shutil.copy(SCRIPT, tmp_path / "bin")
    programs = {
        "id": "echo 0",
        "dpkg-query": "exit 1",
        "apt-get": '$POLICY_RC_D slapd start; echo "$*: $?" >>$TOLD; [[ "$*" != *install* ]] || eval "$INSTALL"',
    }
    (tmp_path / "path").mkdir()
    for name, script in programs.items():
        (tmp_path / "path" / name).write_text(f"#!/bin/bash\n{script}\n")
        (tmp_path / "path" / name).chmod(0o755)
    return tmp_path


def begin(place: Path, install: str = "true") -> "subprocess.Popen[bytes]":
    """Run it, in a process group of its own."""
    shutil.rmtree(place / ".cache", ignore_errors=True)
    told = {"POLICY_RC_D": str(place / "policy-rc.d"), "TOLD": str(place / "told"), "INSTALL": install}
    path = f"{place / 'path'}:{os.environ['PATH']}"
    return subprocess.Popen([place / "bin" / "apt"], env={**os.environ, **told, "PATH": path}, start_new_session=True)


@pytest.fixture(params=[None, OWN], ids=["none", "own"])
def before(request: pytest.FixtureRequest, place: Path) -> str | None:
    """What the machine says of services without us."""
    own: str | None = request.param
    if own is not None:
        (place / "policy-rc.d").write_text(own)
        (place / "policy-rc.d").chmod(0o755)
    return own


def restored(place: Path, before: str | None) -> bool:
    """Whether all is as it was."""
    policy = place / "policy-rc.d"
    now = policy.read_text() if policy.exists() else None
    return now == before and {path.name for path in place.glob("policy-rc.d*")} == (
        {"policy-rc.d"} if before else set()
    )


@pytest.mark.parametrize("install", ["true", "exit 100"])
def test_no_service_starts_and_the_policy_is_as_before(place: Path, before: str | None, install: str) -> None:
    assert begin(place, install).wait(30) == 0
    told = (place / "told").read_text().splitlines()
    assert "install -y" in told[-1]
    assert [line.rpartition(": ")[2] for line in told] == ["101"] * len(told)
    assert restored(place, before)
    if before is not None:
        assert (place / "policy-rc.d").stat().st_mode & 0o777 == 0o755


def test_told_to_end_it_lets_the_installation_end_and_puts_it_back(place: Path, before: str | None) -> None:
    running = begin(place, "sleep 1; $POLICY_RC_D slapd start; echo late: $? >>$TOLD")
    until(lambda: (place / "told").exists() and "install" in (place / "told").read_text())
    os.killpg(running.pid, signal.SIGTERM)
    assert running.wait(30) == 130
    assert (place / "told").read_text().endswith("late: 101\n")
    assert restored(place, before)


def test_killed_in_the_middle_the_next_run_puts_it_back(place: Path, before: str | None) -> None:
    running = begin(place, "sleep 1")
    until(lambda: (place / "told").exists() and "install" in (place / "told").read_text())
    os.killpg(running.pid, signal.SIGKILL)
    running.wait(30)
    assert not restored(place, before)
    assert begin(place).wait(30) == 0
    assert restored(place, before)
