"""The process that reads hostile bytes: it answers, it is confined, and what kills it kills one document only."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from appliance.knowledge.parsing import errors
from appliance.knowledge.parsing.child import answer
from appliance.knowledge.parsing.host import ParserHost
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.message import BadMessage, answered, believed, frame, receive
from appliance.knowledge.parsing.parsed import Parsed
from appliance.knowledge.parsing.read import read
from tests.factories import compound, files, office

ROOT = Path(__file__).parents[3]
SLOW = b"<p>a</p>" * 600_000
WORD = files.word(files.paragraph("Everyone has 25 days."))
MAIL = (
    "Subject: =?gb2312?B?xOq82Q==?=\r\nDate: Thu, 26 Nov 2026 10:00:00 +0800\r\nMIME-Version: 1.0\r\n"
    "Content-Type: text/plain; charset=gbk\r\n\r\n年假十五天"
).encode("gbk")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ParserHost]:
    limits = ParseLimits(seconds=20, memory=600 * 1024 * 1024)
    with ParserHost(limits, tmp_path_factory.mktemp("log") / "parser.log") as one:
        yield one


def saved(directory: Path, content: bytes) -> Path:
    """A file that only its owner may read, as blobs are."""
    path = directory / "blob"
    path.write_bytes(content)
    path.chmod(0o600)
    return path


FORMATS = [
    ("a.md", b"# Leave\n\n25 days"),
    ("a.txt", "年假十五天，须提前申请。".encode("gb18030") * 4),
    ("a.html", "<meta charset=big5><p>年假十五天".encode("big5")),
    ("a.csv", "部门,天数\n采购部,15\n".encode("gb18030")),
    ("a.jsonl", '{"部门": "采购部", "天数": 15}'.encode("utf-16-le")),
    ("a.docx", WORD),
    ("a.xlsx", office.workbook({"采购部": [["天数", "比例"], [15, (0.19, "0%")]]})),
    ("a.pptx", office.presentation([{"title": "Leave", "items": ["25 days", "15 days"], "notes": "Ask."}])),
    ("a.ods", office.opendocument("spreadsheet", office.odf_table([["天数"], ["15"]]))),
    ("a.eml", MAIL),
    ("a.msg", compound.msg({0x0037: "年假", 0x1000: "十五天"}, {"a.docx": WORD, "b.eml": MAIL})),
    ("a.zip", files.archived({"b/a.docx": WORD, "a.txt": "年假十五天".encode("gb18030"), "c.eml": MAIL})),
    ("a.pdf", files.pdf([("Everyone has 25 days.", 12, 50, 700)])),
]


@pytest.mark.parametrize(("name", "content"), FORMATS, ids=[name for name, _ in FORMATS])
def test_every_format_is_read_in_the_confined_process_as_it_is_here(
    host: ParserHost, tmp_path: Path, name: str, content: bytes
) -> None:
    assert host.parse(saved(tmp_path, content), name) == read(io.BytesIO(content), name, ParseLimits())


REFUSED = [
    ("bomb.docx", files.bomb(), errors.ArchiveBomb),
    ("cut.docx", WORD[:-40], errors.Truncated),
    ("bomb.zip", files.archived({"a.docx": files.bomb()}), errors.ArchiveBomb),
    ("cut.xlsx", office.workbook({"S": [["a"]]})[:-40], errors.Truncated),
    ("empty.md", b"", errors.EmptyFile),
    ("scan.pdf", files.scan(), errors.NoTextLayer),
]


@pytest.mark.parametrize(("name", "content", "expected"), REFUSED, ids=[case[0] for case in REFUSED])
def test_a_refusal_crosses_the_pipe_with_its_reason(
    host: ParserHost, tmp_path: Path, name: str, content: bytes, expected: type[errors.FileRefused]
) -> None:
    with pytest.raises(expected):
        host.parse(saved(tmp_path, content), name)


def test_a_file_of_200_megabytes_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "large.md"
    with path.open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    with ParserHost(ParseLimits(seconds=20, memory=100 * 1024 * 1024)) as host, pytest.raises(errors.FileTooLarge):
        host.parse(path, "large.md")


@pytest.mark.parametrize("megabytes", [90, 110, 140])
@pytest.mark.parametrize("kind", ["html", "docx"])
def test_a_file_that_needs_too_much_memory_fails_alone_and_is_never_read_in_part(
    tmp_path: Path, megabytes: int, kind: str
) -> None:
    many = 60_000
    contents = {"html": b"<html>" + b"<p>a</p>" * many, "docx": files.word(files.paragraph("a") * many)}
    with ParserHost(ParseLimits(seconds=30, memory=megabytes * 1024 * 1024)) as host:
        with suppress(errors.TooHungry, errors.Unreadable):
            assert len(host.parse(saved(tmp_path, contents[kind]), f"a.{kind}").blocks) == many
        with pytest.raises(errors.EmptyFile):
            host.parse(saved(tmp_path, b""), "after.md")


@pytest.mark.counted
def test_a_file_that_takes_too_long_fails_at_its_deadline(tmp_path: Path) -> None:
    with ParserHost(ParseLimits(seconds=1)) as host:
        begun = time.monotonic()
        with pytest.raises(errors.TooSlow):
            host.parse(saved(tmp_path, SLOW), "slow.html")
        assert time.monotonic() - begun < 8
        assert host.parse(saved(tmp_path, b"after"), "a.txt").text == "after"


def template(host: ParserHost) -> int:
    """The process that stays warm."""
    assert host._child is not None
    return host._child.pid


def forks(pid: int) -> list[int]:
    """The processes that it forked and that live."""
    with suppress(FileNotFoundError):
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def readers(host: ParserHost) -> list[int]:
    """The processes that read a document: forks of the one that handles the request."""
    return [reader for turn in forks(template(host)) for reader in forks(turn)]


def user(pid: int) -> tuple[int, ...]:
    """Real, effective, saved and file system user."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return tuple(int(one) for line in lines if line.startswith("Uid:") for one in line.split()[1:])


@pytest.mark.counted
def test_after_its_process_was_killed_the_next_document_gets_a_new_one(host: ParserHost, tmp_path: Path) -> None:
    host.parse(saved(tmp_path, b"one"), "a.txt")
    os.kill(template(host), signal.SIGKILL)
    path = saved(tmp_path, b"two")
    for _ in range(2):  # the first may still find the dying one
        try:
            assert host.parse(path, "a.txt").text == "two"
            break
        except errors.Unreadable:
            continue
    else:
        pytest.fail("no new process was started")


@pytest.mark.counted
def test_killed_in_the_middle_of_a_document_it_is_that_documents_failure(host: ParserHost, tmp_path: Path) -> None:
    failures: list[errors.FileRefused] = []
    thread, fork = reading(host, saved(tmp_path, SLOW), failures)
    os.kill(fork, signal.SIGSEGV)
    thread.join(20)
    assert [str(error) for error in failures] == ["The file could not be read. (its reader died: SIGSEGV)"]


def reading(host: ParserHost, path: Path, failures: list[errors.FileRefused]) -> tuple[threading.Thread, int]:
    """Begin to read a slow file; the thread that waits for it, and the fork that reads it."""

    def parse() -> None:
        try:
            host.parse(path, "slow.html")
        except errors.FileRefused as error:
            failures.append(error)

    host.parse(saved(path.parent, path.read_bytes()[:100]), "a.txt")
    saved(path.parent, SLOW)
    thread = threading.Thread(target=parse)
    thread.start()
    while not (found := readers(host)):
        time.sleep(0.01)
    return thread, found[0]


@pytest.mark.counted
def test_the_fork_is_confined(host: ParserHost, tmp_path: Path) -> None:
    """Limits, identity and network of the process that reads, seen from outside while it reads."""
    failures: list[errors.FileRefused] = []
    thread, fork = reading(host, saved(tmp_path, SLOW), failures)
    proc = Path(f"/proc/{fork}")
    while "Max file size             0" not in (proc / "limits").read_text():
        time.sleep(0.01)
    limits = (proc / "limits").read_text()
    assert f"Max address space         {600 * 1024 * 1024}" in limits
    assert "Max cpu time              20" in limits
    assert "Max open files            64" in limits
    if os.geteuid() == 0:
        while user(fork)[1] == 0:
            time.sleep(0.01)
        assert user(fork) == (65534,) * 4
        assert network(template(host)) != network(os.getpid())
    environment = Path(f"/proc/{template(host)}/environ").read_bytes().decode()
    assert "APPLIANCE_DATA" not in environment
    os.kill(fork, signal.SIGKILL)
    thread.join(20)
    assert len(failures) == 1


def network(pid: int) -> Path:
    return Path(f"/proc/{pid}/ns/net").readlink()


def test_the_child_imports_neither_torch_nor_the_database() -> None:
    heavy = (
        "[name for name in ('torch', 'sqlalchemy', 'opencc', 'cv2', 'onnxruntime', 'rapidocr') if name in sys.modules]"
    )
    program = f"import sys, appliance.knowledge.parsing.child; print({heavy})"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, cwd=ROOT, text=True)
    assert told.stdout == "[]\n"


def test_whatever_a_parser_raises_becomes_an_answer() -> None:
    class Broken(io.BytesIO):
        def __init__(self, error: BaseException) -> None:
            super().__init__(b"x")
            self.error = error

        def read(self, size: int | None = -1) -> bytes:  # noqa: ARG002 - as a file has it
            raise self.error

    told = [answer(Broken(error), "a.txt", ParseLimits()) for error in (MemoryError(), RecursionError(), KeyError(1))]
    assert [one["code"] for one in told] == ["out_of_memory", "could_not_be_read", "could_not_be_read"]
    assert told[2]["detail"] == "KeyError"


GOOD = answered(Parsed("Hello", (), "text/plain"))
NONSENSE = [
    {},
    {**GOOD, "blocks": [["paragraph", 0, 99, 0, None, []]]},
    {**GOOD, "blocks": [["paragraph", 3, 2, 0, None, []]]},
    {**GOOD, "blocks": [["virus", 0, 2, 0, None, []]]},
    {**GOOD, "blocks": [["paragraph", 0, 3, 0, None, []], ["paragraph", 1, 4, 0, None, []]]},
    {**GOOD, "blocks": 5},
    {**GOOD, "pages": [5, 1]},
    {**GOOD, "recognised": [[0, 99, 0.9]]},
    {**GOOD, "recognised": [[-1, 2, 0.9]]},
    {**GOOD, "recognised": [[0, 3, 0.9], [1, 4, 0.9]]},
    {**GOOD, "recognised": [[2, 2, 0.9]]},
    {**GOOD, "recognised": [[0, 2, 1.5]]},
]


@pytest.mark.parametrize("fields", NONSENSE)
def test_an_answer_that_makes_no_sense_is_not_believed(fields: dict[str, object]) -> None:
    with pytest.raises(errors.Unreadable):
        believed(fields)


FRAMES = [b"\xff\xff\xff\xff", b"\x00\x00\x00\x01\xc1", b"\x00\x00\x00\x01\x05"]


@pytest.mark.parametrize("data", FRAMES)
def test_a_frame_that_is_too_long_or_no_map_is_refused(data: bytes) -> None:
    with pytest.raises(BadMessage):
        receive(io.BytesIO(data).read, 1000)


def test_the_end_of_the_pipe_is_no_message() -> None:
    assert receive(io.BytesIO(b"").read, 10) is None
    assert receive(io.BytesIO(frame(GOOD)[:-1]).read, 1000) is None
