"""What forbids a start, each told in one sentence, with nothing changed."""

import os
import socket
from pathlib import Path

import pytest

import appliance
from appliance.entry import up, up_checks
from appliance.entry.up_checks import CannotStart, Room
from appliance.kit.layout import Layout
from appliance.kit.settings import HostSettings, Settings, WebSettings


def test_a_new_directory_and_one_of_this_version_are_fine(tmp_path: Path) -> None:
    up_checks.check_version(tmp_path)
    up_checks.write_version(tmp_path)
    up_checks.check_version(tmp_path)
    assert (tmp_path / "VERSION").read_text().strip() == appliance.__version__


@pytest.mark.parametrize(
    ("version", "told"), [("99.0.0", "belongs to version 99.0.0"), ("soon", "not a version of the appliance")]
)
def test_a_directory_of_a_newer_or_unknown_version_is_refused(tmp_path: Path, version: str, told: str) -> None:
    (tmp_path / "VERSION").write_text(version)
    with pytest.raises(CannotStart, match=told):
        up_checks.check_version(tmp_path)


def test_a_directory_of_an_older_version_is_taken(tmp_path: Path) -> None:
    (tmp_path / "VERSION").write_text("0.0.9")
    up_checks.check_version(tmp_path)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.5.5.5"])
def test_this_machine_needs_no_certificate(host: str) -> None:
    up_checks.check_address(WebSettings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "appliance.example"])
def test_another_address_needs_a_certificate_and_its_key(tmp_path: Path, host: str) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    for web in (WebSettings(host=host), WebSettings(host=host, certificate=file), WebSettings(host=host, key=file)):
        with pytest.raises(CannotStart, match="give a certificate and its key"):
            up_checks.check_address(web)
    up_checks.check_address(WebSettings(host=host, certificate=file, key=file))


def test_a_certificate_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="none cannot be read"):
        up_checks.check_address(WebSettings(certificate=tmp_path / "none", key=tmp_path / "none"))


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (Room(memory=2**29, disk=2**40), "too little memory: 0.5 GiB free, 2.0 GiB needed"),
        (Room(memory=2**40, disk=2**29), "too little disk space: 0.5 GiB free, 1.0 GiB needed"),
    ],
)
def test_too_little_room_is_told_in_figures(found: Room, told: str) -> None:
    with pytest.raises(CannotStart, match=told):
        up_checks.check_room(found, HostSettings())


def test_enough_room_is_enough(tmp_path: Path) -> None:
    up_checks.check_room(up_checks.room(tmp_path / "not" / "there"), HostSettings(least_memory=1, least_disk=1))


def test_memory_is_measured_within_a_containers_limit(tmp_path: Path) -> None:
    whole = up_checks.available_memory(tmp_path)
    assert whole > 2**20
    (tmp_path / "memory.max").write_text("3000\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert up_checks.available_memory(tmp_path) == 2000
    (tmp_path / "memory.max").write_text("max\n")
    assert up_checks.available_memory(tmp_path) > 2**20


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_in_use_is_told(host: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as taken:
        taken.bind((host, 0))
        taken.listen()
        web = WebSettings(host=host, port=taken.getsockname()[1])
        with pytest.raises(CannotStart, match=r"Port .* cannot be used: Address already in use"):
            up_checks.check_port(web)
    up_checks.check_port(web)


def test_a_second_appliance_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    held = up_checks.lock(tmp_path)
    with pytest.raises(CannotStart, match="already runs on"):
        up_checks.lock(tmp_path)
    os.close(held)
    os.close(up_checks.lock(tmp_path))


def test_a_refused_start_changes_nothing(tmp_path: Path) -> None:
    for data in (tmp_path / "new", tmp_path / "old"):
        settings = Settings(data=data, host=HostSettings(least_memory=2**60))
        if data.name == "old":
            data.mkdir()
        with pytest.raises(CannotStart, match="memory"):
            up.take(settings)
    assert list(tmp_path.rglob("*")) == [tmp_path / "old"]
    os.close(up_checks.lock(tmp_path / "old"))


def test_taking_a_directory_makes_it_private_and_locks_it(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = Settings(
        data=tmp_path / "data", host=HostSettings(least_memory=1, least_disk=1), web=WebSettings(port=port)
    )
    for _ in range(2):
        hold = up.take(settings)
        with pytest.raises(CannotStart):
            up.take(settings)
        os.close(hold)
    assert settings.layout.run.stat().st_mode & 0o777 == 0o700


def test_a_run_directory_whose_sockets_would_not_fit_lies_elsewhere(tmp_path: Path) -> None:
    layout = Layout(tmp_path / ("long" * 25))
    layout.data.mkdir()
    assert not up_checks.sockets_fit(layout)
    up.shorten(layout)
    layout.make()
    short = layout.run
    assert up_checks.sockets_fit(layout)
    up.shorten(layout)
    assert layout.run == short
    short.chmod(0o755)  # as if another user had made it
    up.shorten(layout)
    renewed = layout.run
    assert renewed != short
    renewed.rmdir()
    up.shorten(layout)
    assert layout.run not in (short, renewed)
    for path in (short, layout.run):
        path.rmdir()


def test_a_run_directory_that_is_already_there_stays(tmp_path: Path) -> None:
    layout = Layout(tmp_path / ("long" * 25))
    layout.data.mkdir()
    (layout.data / "run").mkdir()
    up.shorten(layout)
    assert not (layout.data / "run").is_symlink()
