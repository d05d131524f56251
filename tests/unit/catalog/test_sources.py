"""Only plain files come in, each read from the descriptor that was looked at; a copy goes on where a kill ended it."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.catalog import gather, sources
from appliance.catalog.manifest import NAME, File
from appliance.catalog.sources import SourceRefused, accepted
from tests.factories.processes import until

ROOM = 1 << 40
NAMES = ("config.json", "model.safetensors", "1_Pooling/config.json")


def take(source: Path, tmp_path: Path, most: int = ROOM) -> tuple[File, ...]:
    """What a copy of this source holds."""
    return gather.gather(source, tmp_path / "target", most, lambda _: None)


def directory(path: Path, *names: str) -> Path:
    """A directory with small files."""
    for name in names or NAMES:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(name)
    return path


def cache(path: Path, head: str | None = "abc") -> Path:
    """A hub's cache of one model, as downloaders leave it."""
    repo = path / "models--owner--tiny"
    for folder in ("blobs", "refs", "snapshots/abc/1_Pooling"):
        (repo / folder).mkdir(parents=True)
    for name, depth in (("config.json", 2), ("model.safetensors", 2), ("1_Pooling/config.json", 3)):
        blob = hashlib.sha256(name.encode()).hexdigest()
        (repo / "blobs" / blob).write_text(name)
        (repo / "snapshots" / "abc" / name).symlink_to("../" * depth + f"blobs/{blob}")
    if head is not None:
        (repo / "refs" / "main").write_text(head)
    return repo


def bundle(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    """A tar file with these members."""
    with tarfile.open(path, "w") as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    """A header."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


def test_a_directory_a_cache_and_a_bundle_give_the_same_files(tmp_path: Path) -> None:
    plain = directory(tmp_path / "plain")
    (plain / ".gitattributes").write_text("left out")
    (plain / ".cache").mkdir()
    (plain / ".cache" / "x.lock").write_text("left out")
    hub = cache(tmp_path)
    packed = bundle(
        tmp_path / "b.tar",
        (member("./1_Pooling", tarfile.DIRTYPE), b""),
        *((member(f"./{name}"), name.encode()) for name in NAMES),
    )  # fmt: skip
    found = [
        take(source, tmp_path / str(n)) for n, source in enumerate((plain, hub, hub / "snapshots" / "abc", packed))
    ]
    assert found[0] == found[1] == found[2] == found[3]
    assert [file.path for file in found[0]] == ["1_Pooling/config.json", "config.json", "model.safetensors"]
    assert {file.sha256 for file in found[0]} == {hashlib.sha256(file.path.encode()).hexdigest() for file in found[0]}
    copy = tmp_path / "1" / "target" / gather.FILES
    assert not any(path.is_symlink() for path in copy.rglob("*"))
    assert copy.stat().st_mode & 0o777 == 0o700


def test_of_several_snapshots_the_main_one_is_taken_or_one_must_be_named(tmp_path: Path) -> None:
    repo = cache(tmp_path, head=None)
    assert sources.snapshot(repo)[0].name == "abc"
    (repo / "snapshots" / "def").mkdir()
    with pytest.raises(SourceRefused, match="several snapshots"):
        take(repo, tmp_path)
    (repo / "refs" / "main").write_text("abc\n")
    assert len(take(repo, tmp_path)) == 3


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd", "../config.json", "a/../../config.json", "a//b/../c.json", "config.json\n", "a\\b.json",
        "model.bin", "model.pt", "model.pkl", "modeling.py", "model.gguf",
        "a/b/c/d/e.json", "-rf.json", "x" * 300 + ".json",
        "lib.so", "model.safetensors.zip", "config.JSON.exe",
    ],
)  # fmt: skip
def test_a_path_that_is_not_plain_or_no_kind_of_weights_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(SourceRefused):
        accepted(name)
    with pytest.raises(SourceRefused):
        take(bundle(tmp_path / "b.tar", (member(name), b"x")), tmp_path)


def link_out(path: Path) -> None:
    (path / "tokenizer.json").symlink_to("/etc/passwd")


def link_folder(path: Path) -> None:
    (path / "folder").symlink_to("/etc")


def fifo(path: Path) -> None:
    os.mkfifo(path / "tokenizer.json")


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (link_out, "is a link"),
        (link_folder, "is a link"),
        (fifo, "no regular file"),
        (lambda path: (path / "modeling_evil.py").write_text("raise SystemExit"), "no code"),
        (lambda path: (path / "pytorch_model.bin").write_bytes(b"\x80\x04"), "no pickle"),
    ],
    ids=["a link to a file", "a link to a folder", "a pipe", "code", "a pickle"],
)
def test_a_directory_with_what_is_no_plain_file_is_refused(
    tmp_path: Path, spoil: Callable[[Path], object], named: str
) -> None:
    source = directory(tmp_path / "plain")
    spoil(source)
    with pytest.raises(SourceRefused, match=named):
        take(source, tmp_path)


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "../../../../etc/passwd", "../../blobs/../refs/main", "../../refs/main"]
)
def test_a_link_in_a_cache_leads_to_its_blobs_alone(tmp_path: Path, target: str) -> None:
    repo = cache(tmp_path)
    (repo / "snapshots" / "abc" / "tokenizer.json").symlink_to(target)
    with pytest.raises(SourceRefused, match="is a link"):
        take(repo, tmp_path)


def test_a_blob_that_is_itself_a_link_is_not_followed(tmp_path: Path) -> None:
    repo = cache(tmp_path)
    blob = "0" * 64
    (repo / "blobs" / blob).symlink_to("/etc/passwd")
    (repo / "snapshots" / "abc" / "tokenizer.json").symlink_to(f"../../blobs/{blob}")
    with pytest.raises(SourceRefused, match="cannot be read"):
        take(repo, tmp_path)


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE],
)
def test_links_devices_and_sparse_files_in_a_bundle_are_refused(tmp_path: Path, kind: bytes) -> None:
    hostile = bundle(tmp_path / "b.tar", (member("config.json", kind, "/etc/passwd"), b""))
    with pytest.raises(SourceRefused):
        take(hostile, tmp_path)
    assert list((tmp_path / "target" / gather.FILES).rglob("*")) == []


def test_a_bundle_that_repeats_a_name_is_cut_short_packed_or_none_is_refused(tmp_path: Path) -> None:
    twice = bundle(tmp_path / "a.tar", (member("config.json"), b"1"), (member("config.json"), b"2"))
    with pytest.raises(SourceRefused, match="twice"):
        take(twice, tmp_path)
    whole = bundle(tmp_path / "b.tar", (member("config.json"), b"x" * 4000)).read_bytes()
    (tmp_path / "c.tar").write_bytes(whole[:2000])
    with pytest.raises(SourceRefused):
        take(tmp_path / "c.tar", tmp_path)
    with tarfile.open(tmp_path / "d.tar", "w:gz") as archive:
        archive.addfile(member("config.json"))
    with pytest.raises(SourceRefused, match="no plain tar"):
        take(tmp_path / "d.tar", tmp_path)


def test_there_are_bounds_on_files_and_bytes(tmp_path: Path) -> None:
    many = bundle(tmp_path / "a.tar", *((member(f"{n}.json"), b"") for n in range(sources.MOST_FILES + 1)))
    with pytest.raises(SourceRefused, match="more than"):
        take(many, tmp_path)
    with pytest.raises(SourceRefused, match="room for"):
        take(directory(tmp_path / "plain"), tmp_path / "other", most=20)
    big = bundle(tmp_path / "b.tar", (member(NAME), b" " * 5_000_000))
    with pytest.raises(SourceRefused, match="too large"):
        take(big, tmp_path / "third")


def test_a_copy_that_was_killed_goes_on_with_the_next_file(tmp_path: Path) -> None:
    source, target = directory(tmp_path / "plain", "a.json", "c.json"), tmp_path / "target"
    with (source / "b.safetensors").open("wb") as file:
        file.truncate(300_000_000)
    argv = [sys.executable, "-m", "appliance.catalog.gather", str(source), str(target), str(ROOM)]
    state = target / gather.STATE
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as child:
        until(lambda: state.exists() and b"\n" in state.read_bytes(), 20)
        child.send_signal(signal.SIGKILL)
    first = (target / gather.FILES / "a.json").stat()
    state.write_text(state.read_text() + '{"stamp": "cut sho')
    (source / "c.json").write_text("changed meanwhile")
    found = {file.path: file for file in take(source, tmp_path)}
    assert (target / gather.FILES / "a.json").stat().st_ino == first.st_ino
    assert found["c.json"].sha256 == hashlib.sha256(b"changed meanwhile").hexdigest()
    assert found["b.safetensors"].size == 300_000_000
    (source / "a.json").unlink()
    assert "a.json" not in {file.path for file in take(source, tmp_path)}
    assert not (target / gather.FILES / "a.json").exists()


def test_a_file_that_changes_its_length_while_it_is_read_is_refused(tmp_path: Path) -> None:
    for told in (2, 4):
        found = sources.Found("a.json", told, "s", io.BytesIO(b"123"))
        with pytest.raises(SourceRefused, match=r"longer|shorter"):
            gather._copied(found, tmp_path / "a.json", ROOM, lambda _: None)
