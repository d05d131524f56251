"""What this host offers an engine."""

from pathlib import Path

import pytest

from appliance.drivers.vllm.surroundings import TCMALLOC, compiler, preload, survey


def test_libraries_are_preloaded_as_far_as_they_are_there(tmp_path: Path) -> None:
    assert preload(tmp_path, (tmp_path / "usr",)) == ()
    openmp = tmp_path / "lib" / "libiomp5.so"
    allocator = tmp_path / "usr" / "x86_64-linux-gnu" / TCMALLOC
    for path in (openmp, allocator):
        path.parent.mkdir(parents=True)
        path.touch()
    assert preload(tmp_path, (tmp_path / "usr", tmp_path / "usr")) == (allocator, openmp)


def test_compiling_needs_the_compiler_and_python_s_headers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "g++").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not compiler(tmp_path)
    (tmp_path / "Python.h").touch()
    assert compiler(tmp_path)
    monkeypatch.setenv("PATH", "")
    assert not compiler(tmp_path)


def test_a_place_knows_this_host(tmp_path: Path) -> None:
    place = survey(tmp_path, ("name",), tmp_path / "e.sock", tmp_path / "cache", "key", "program")
    assert place.cores
    assert place.python.exists()
    assert place.inherited is not None
