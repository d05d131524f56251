"""Which appliance the command line takes, by everything that may name one."""

import json
from pathlib import Path

import pytest

from appliance.entry.cli import finding
from appliance.entry.cli.finding import NoApplianceKnown, NoKey, Places, Target

HERE = Target("http://127.0.0.1:8080", "sk-own")
THERE = Target("https://answers.example", "sk-there")


def _own(data: Path, target: Target = HERE) -> None:
    (data / "secrets").mkdir(parents=True)
    (data / "secrets" / "cli.json").write_text(json.dumps({"url": target.url, "key": target.key}))


def test_the_named_data_directory_has_its_own_key(tmp_path: Path) -> None:
    _own(tmp_path / "data")
    assert finding.find(Places({"APPLIANCE_DATA": str(tmp_path / "data")}, tmp_path)) == HERE


def test_without_any_name_the_default_data_directory_is_looked_at(tmp_path: Path) -> None:
    _own(tmp_path / ".local/share/appliance")
    assert finding.find(Places({}, tmp_path)) == HERE


def test_a_login_goes_before_the_default_directory_but_not_before_a_named_one(tmp_path: Path) -> None:
    _own(tmp_path / ".local/share/appliance")
    places = Places({}, tmp_path)
    finding.keep(places, THERE)
    assert finding.find(places) == THERE
    assert finding.find(Places({"APPLIANCE_DATA": str(tmp_path / ".local/share/appliance")}, tmp_path)) == HERE


def test_a_named_directory_without_a_key_falls_back_to_the_login(tmp_path: Path) -> None:
    finding.keep(Places({}, tmp_path), THERE)
    assert finding.find(Places({"APPLIANCE_DATA": str(tmp_path / "none")}, tmp_path)) == THERE


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_named_address_takes_the_named_key_first_and_then_that_of_its_login(tmp_path: Path, slash: str) -> None:
    places = Places({"APPLIANCE_URL": THERE.url + slash}, tmp_path)
    finding.keep(places, THERE)
    assert finding.find(places) == THERE
    named = Places({"APPLIANCE_URL": THERE.url, "APPLIANCE_KEY": "sk-named"}, tmp_path)
    assert finding.find(named) == Target(THERE.url, "sk-named")


def test_a_named_address_takes_the_key_of_a_data_directory_only_when_it_is_the_same_appliance(tmp_path: Path) -> None:
    _own(tmp_path / "data")
    data = {"APPLIANCE_DATA": str(tmp_path / "data")}
    assert finding.find(Places(data | {"APPLIANCE_URL": HERE.url}, tmp_path)) == HERE
    with pytest.raises(NoKey, match=r"answers\.example"):
        finding.find(Places(data | {"APPLIANCE_URL": THERE.url}, tmp_path))


def test_where_nothing_is_known_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoApplianceKnown):
        finding.find(Places({}, tmp_path))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"url": "", "key": "k"}'])
def test_a_broken_key_file_counts_as_none(tmp_path: Path, text: str) -> None:
    _own(tmp_path / "data")
    (tmp_path / "data" / "secrets" / "cli.json").write_text(text)
    with pytest.raises(NoApplianceKnown):
        finding.find(Places({"APPLIANCE_DATA": str(tmp_path / "data")}, tmp_path))


def test_a_kept_login_is_readable_by_its_owner_alone_and_keeps_the_others(tmp_path: Path) -> None:
    places = Places({"XDG_CONFIG_HOME": str(tmp_path / "config")}, tmp_path)
    finding.keep(places, THERE)
    finding.keep(places, HERE)
    assert places.logins == tmp_path / "config" / "appliance" / "logins.json"
    assert places.logins.stat().st_mode & 0o777 == 0o600
    assert json.loads(places.logins.read_text()) == {
        "last": HERE.url,
        "keys": {THERE.url: THERE.key, HERE.url: HERE.key},
    }


def test_the_address_for_a_login_is_the_named_or_the_known_one(tmp_path: Path) -> None:
    assert finding.address(Places({}, tmp_path)) is None
    assert finding.address(Places({"APPLIANCE_URL": "http://a/"}, tmp_path)) == "http://a"
    finding.keep(Places({}, tmp_path), THERE)
    assert finding.address(Places({}, tmp_path)) == THERE.url


def test_this_process_looks_at_its_own_environment() -> None:
    assert Places.here().home == Path.home()
