"""What a host could run an engine on, as its own programs tell."""

from pathlib import Path

import pytest

from appliance.drivers.devices import Device, cards, processor, survey

MIB = 1024 * 1024
MEMINFO = "MemTotal:       24630344 kB\nMemFree:  1 kB\nMemAvailable:   20971520 kB\n"
TOLD = "0, NVIDIA L40S, 46068, 45000\n1, NVIDIA RTX 6000, Ada, 49140, 10\n"


def test_the_processor_has_what_the_kernel_calls_available() -> None:
    assert processor(MEMINFO) == Device("cpu", 0, "processor", 24630344 * 1024, 20 * 1024 * MIB)


def test_cards_are_read_from_nvidia_smi() -> None:
    first, second = cards(TOLD)
    assert first == Device("cuda", 0, "NVIDIA L40S", 46068 * MIB, 45000 * MIB)
    assert (second.name, str(second), str(processor(MEMINFO))) == ("NVIDIA RTX 6000, Ada", "cuda:1", "cpu")


@pytest.mark.parametrize(
    ("script", "kinds"),
    [
        (f"printf '{TOLD}'".replace("\n", "\\n"), ["cpu", "cuda", "cuda"]),
        ("exit 9", ["cpu"]),
        ("echo No devices were found", ["cpu"]),
    ],
)
def test_a_host_is_surveyed_whatever_its_nvidia_smi_does(tmp_path: Path, script: str, kinds: list[str]) -> None:
    program, meminfo = tmp_path / "nvidia-smi", tmp_path / "meminfo"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    meminfo.write_text(MEMINFO)
    assert [device.kind for device in survey(str(program), meminfo)] == kinds


def test_a_host_without_it_has_a_processor() -> None:
    assert {device.kind for device in survey("no-such-nvidia-smi")} == {"cpu"}
