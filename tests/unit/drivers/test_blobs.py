"""Original files by their content."""

import hashlib
import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from appliance.drivers.blobs import STAGING, BlobMissing, BlobTooLarge, DirectoryBlobs
from appliance.kit import staging

ONE, TWO = UUID(int=1), UUID(int=2)


@pytest.fixture
def blobs(tmp_path: Path) -> DirectoryBlobs:
    return DirectoryBlobs(tmp_path / "blobs")


def kept(blobs: DirectoryBlobs, content: bytes, tenant: UUID = ONE) -> str:
    staged = blobs.stage(tenant, io.BytesIO(content), 1000)
    blobs.keep(staged)
    return staged.sha256


def everything(tmp_path: Path) -> list[Path]:
    return [path for path in tmp_path.rglob("*") if path.is_file()]


def test_content_lies_under_its_tenant_and_digest_for_its_owner_only(blobs: DirectoryBlobs, tmp_path: Path) -> None:
    digest = kept(blobs, b"hello")
    assert digest == hashlib.sha256(b"hello").hexdigest()
    with blobs.local(ONE, digest) as path:
        assert path == tmp_path / "blobs" / str(ONE) / digest[:2] / digest
        assert path.read_bytes() == b"hello"
        assert path.stat().st_mode & 0o077 == 0


def test_the_same_content_is_kept_once_for_each_tenant(blobs: DirectoryBlobs, tmp_path: Path) -> None:
    for tenant in (ONE, ONE, TWO):
        kept(blobs, b"hello", tenant)
    assert len(everything(tmp_path)) == 2
    blobs.delete(ONE, hashlib.sha256(b"hello").hexdigest())
    assert len(everything(tmp_path)) == 1


def test_a_file_over_the_limit_leaves_nothing(blobs: DirectoryBlobs, tmp_path: Path) -> None:
    with pytest.raises(BlobTooLarge):
        blobs.stage(ONE, io.BytesIO(b"a" * 11), 10)
    assert everything(tmp_path) == []
    assert blobs.stage(ONE, io.BytesIO(b"a" * 10), 10).size == 10


def test_what_is_not_kept_is_dropped_and_what_is_kept_stays(blobs: DirectoryBlobs, tmp_path: Path) -> None:
    staged = blobs.stage(ONE, io.BytesIO(b"one"), 10)
    blobs.drop(staged)
    assert everything(tmp_path) == []
    staged = blobs.stage(ONE, io.BytesIO(b"two"), 10)
    blobs.keep(staged)
    blobs.drop(staged)
    assert len(everything(tmp_path)) == 1


def test_another_tenants_content_is_not_there(blobs: DirectoryBlobs) -> None:
    digest = kept(blobs, b"hello")
    with pytest.raises(BlobMissing), blobs.local(TWO, digest):
        pass


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "a" * 63, "A" * 64, "/" * 64])
def test_a_name_that_is_no_digest_reaches_no_path(blobs: DirectoryBlobs, name: str) -> None:
    with pytest.raises(BlobMissing), blobs.local(ONE, name):
        pass
    with pytest.raises(BlobMissing):
        blobs.delete(ONE, name)


def test_deleting_twice_is_harmless_and_empty_directories_go(blobs: DirectoryBlobs, tmp_path: Path) -> None:
    digest = kept(blobs, b"hello")
    blobs.delete(ONE, digest)
    blobs.delete(ONE, digest)
    assert not (tmp_path / "blobs" / str(ONE)).exists()


def test_a_failing_upload_leaves_nothing(blobs: DirectoryBlobs, tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        blobs.stage(ONE, Broken(), 10)
    assert everything(tmp_path) == []


def test_what_a_killed_upload_left_is_swept_away_and_an_upload_that_runs_stays(
    blobs: DirectoryBlobs, tmp_path: Path
) -> None:
    running = blobs.stage(ONE, io.BytesIO(b"running"), 10).at
    program = (
        "import io, os, signal; from pathlib import Path; from uuid import UUID\n"
        "from appliance.drivers.blobs import DirectoryBlobs\n"
        f"DirectoryBlobs(Path({str(tmp_path / 'blobs')!r})).stage(UUID(int=1), io.BytesIO(b'left'), 10)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", program], check=False)
    assert killed.returncode == -signal.SIGKILL
    home = tmp_path / "blobs" / STAGING
    (home / "of-an-older-version").write_bytes(b"left")
    assert len(everything(tmp_path)) == 3
    assert staging.sweep(home) == 2
    assert everything(tmp_path) == [running]
    assert staging.sweep(home) == 0


def test_after_a_fork_each_has_a_directory_of_its_own(tmp_path: Path) -> None:
    mine = staging.own(tmp_path)
    assert staging.own(tmp_path) == mine
    assert mine.stat().st_mode & 0o777 == 0o700
    pid = os.fork()
    if pid == 0:
        os._exit(staging.own(tmp_path) == mine)
    assert os.waitpid(pid, 0)[1] == 0
    mine.rmdir()
    assert staging.own(tmp_path).is_dir()
