"""Which files an ingest takes."""

from pathlib import Path

import pytest

from appliance.entry.cli import files
from appliance.entry.cli.files import NothingToTake
from appliance.kit.errors import NotFound


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.md", "a.txt", "sub/c.pdf", ".hidden", "~$lock.docx", ".git/config"):
        path = tmp_path / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "docs"


def test_a_folder_gives_its_visible_files_named_by_their_path_below_it(folder: Path) -> None:
    assert [found.name for found in files.expand([folder])] == ["a.txt", "b.md", "sub/c.pdf"]


def test_a_named_file_is_taken_whatever_its_name(folder: Path) -> None:
    assert [found.name for found in files.expand([folder / ".hidden"])] == [".hidden"]


def test_a_file_named_twice_is_taken_once(folder: Path) -> None:
    assert len(files.expand([folder / "a.txt", folder, folder / "sub"])) == 3


def test_a_link_to_a_folder_is_not_followed(folder: Path) -> None:
    (folder / "loop").symlink_to(folder)
    assert len(files.expand([folder])) == 3


def test_a_path_that_is_not_there_is_told_before_anything_is_sent(folder: Path) -> None:
    with pytest.raises(NotFound, match=r"nowhere\.md"):
        files.expand([folder, folder / "nowhere.md"])


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(NothingToTake):
        files.expand([tmp_path])
