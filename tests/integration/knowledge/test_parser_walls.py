"""A parser that a hostile file took over gets nothing: no secret, no socket, no network, no process."""

import hashlib
import json
import platform
import secrets
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from appliance.kit.confine import offered
from appliance.knowledge.parsing.errors import FileRefused
from appliance.knowledge.parsing.host import ParserHost
from appliance.knowledge.parsing.limits import ParseLimits
from tests.integration.knowledge import hostile_reader

OFFERED = offered()
needs_walls = pytest.mark.skipif(not (OFFERED.files and OFFERED.calls), reason="this kernel has no Landlock or seccomp")


@pytest.fixture
def targets() -> Iterator[dict[str, str | int]]:
    """What anyone of this machine may read and reach: the walls alone keep the parser away."""
    with ExitStack() as held:
        directory = Path(held.enter_context(tempfile.TemporaryDirectory()))
        directory.chmod(0o755)
        secret, unix, abstract = directory / "cli.json", str(directory / "index.sock"), f"\0{directory.name}"
        secret.write_text("the key")
        secret.chmod(0o644)
        for address in (unix, abstract):
            listener = held.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(address)
            listener.listen()
        Path(unix).chmod(0o777)
        network = held.enter_context(socket.socket())
        network.bind(("127.0.0.1", 0))
        network.listen()
        yield {"secret": str(secret), "unix": unix, "abstract": abstract, "tcp": network.getsockname()[1]}


def host(kind: str, targets: dict[str, str | int]) -> ParserHost:
    """A parser's host whose parser is hostile."""
    made = ParserHost(ParseLimits(seconds=20, memory=600 * 1024 * 1024))
    made.reader = (hostile_reader.__file__, kind, json.dumps(targets))
    return made


def came_to(kind: str, targets: dict[str, str | int], tmp_path: Path, name: str = "a.txt") -> str:
    """What the hostile parser tells."""
    file = tmp_path / "file"
    file.write_bytes(b"text")
    with host(kind, targets) as hostile, pytest.raises(FileRefused) as refused:
        hostile.parse(file, name)
    return str(refused.value)


def attempts(told: str) -> dict[str, str]:
    """What each came to."""
    found: dict[str, str] = json.loads(told[told.index("{") : told.index("}") + 1])
    return found


@needs_walls
def test_a_parser_taken_over_reads_reaches_and_starts_nothing(targets: dict[str, str | int], tmp_path: Path) -> None:
    told = attempts(came_to("walls", targets, tmp_path))
    refused = {"EPERM", "EACCES", "EAGAIN", "can't start new thread"}
    assert {what: how for what, how in told.items() if how not in refused} == {}
    assert set(told) == set(hostile_reader.ATTEMPTS)


def test_without_the_walls_it_would_have_all_of_that(targets: dict[str, str | int], tmp_path: Path) -> None:
    told = attempts(came_to("open", targets, tmp_path))
    assert told == dict.fromkeys(hostile_reader.ATTEMPTS, "done")


def test_what_others_ask_and_are_answered_is_not_in_its_hands(targets: dict[str, str | int], tmp_path: Path) -> None:
    for kind in ("walls", "open"):
        assert "0 bytes of what others ask" in came_to(kind, targets, tmp_path, "streams")


def test_it_holds_its_file_and_the_pipe_of_its_answer(targets: dict[str, str | int], tmp_path: Path) -> None:
    assert "holds ['-', 'p']" in came_to("walls", targets, tmp_path, "held")


def test_its_memory_knows_of_no_document_before_it(targets: dict[str, str | int], tmp_path: Path) -> None:
    """Without the walls, which hide its own memory's files from it too."""
    known, unknown = secrets.token_hex(16), secrets.token_hex(16)
    targets |= {"known": known, "unknown": hashlib.sha256(unknown.encode()).hexdigest()}
    file = tmp_path / "file"
    file.write_bytes(b"text")
    told = []
    with host("open", targets) as hostile:
        for name in (known + unknown, "memory"):
            with pytest.raises(FileRefused) as refused:
                hostile.parse(file, name)
            told.append(str(refused.value))
    assert "remembers 0" in told[1]


def test_without_walls_where_the_kernel_has_them_nothing_is_read(targets: dict[str, str | int], tmp_path: Path) -> None:
    assert "could not be shut in" in came_to("broken", targets, tmp_path)


@needs_walls
@pytest.mark.skipif(platform.machine() != "x86_64", reason="its older system calls")
def test_calls_of_another_architecture_end_it(targets: dict[str, str | int], tmp_path: Path) -> None:
    assert "SIGSYS" in came_to("walls", targets, tmp_path, "older")
