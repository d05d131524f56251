"""The verbs of quotas and usage, over a real socket."""

import csv
from pathlib import Path

import pytest

from appliance.access.web import Databases
from appliance.entry.cli.quotas import NotALimit
from appliance.kit.errors import NotFound
from appliance.kit.ids import uuid7
from appliance.tenants.authentication import Authenticator
from appliance.usage import account, rolling
from tests.factories.cli import Run, document
from tests.integration.usage.working import record
from tests.integration.web.conftest import House
from tests.integration.web.test_people_cli import cli, url  # noqa: F401 - fixtures


def test_from_a_limit_to_none(cli: Run) -> None:  # noqa: F811 - the fixture
    there = ("--tenant", "one")
    made = document(cli("quotas", "set", "tokens_per_day=1000", "documents=5", *there, "--json")[1])
    assert (made["kind"], made["tokens_per_day"], made["documents"]) == ("tenant", 1000, 5)
    changed = document(cli("quotas", "set", "documents=none", "bytes=7", *there, "--json")[1])
    assert (changed["documents"], changed["bytes"], changed["version"]) == (None, 7, 2)
    cli("quotas", "set", "requests_per_minute=3", "--user", "member of one", *there)
    listed = document(cli("quotas", "list", *there, "--json")[1])["items"]
    assert [item["kind"] for item in listed] == ["tenant", "user"]
    shown = document(cli("quotas", "show", "--user", "member of one", *there, "--json")[1])
    assert shown["standing"] == [{"measure": "requests_per_minute", "limit": 3, "used": None, "resets_at": None}]
    assert "tokens per day" in cli("quotas", "show", *there)[1]
    assert "requests_per_minute 3" in cli("quotas", "list", *there)[1]
    cli("quotas", "delete", "--user", "member of one", *there)
    with pytest.raises(NotFound):
        cli("quotas", "show", "--user", "member of one", *there)


@pytest.mark.parametrize("limits", [("tokens=5",), ("tokens_per_day=-1",), ("tokens_per_day",), ("documents=many",)])
def test_what_is_no_limit_is_told(cli: Run, limits: tuple[str, ...]) -> None:  # noqa: F811 - the fixture
    with pytest.raises(NotALimit):
        cli("quotas", "set", *limits)


def test_a_user_and_a_key_are_two_quotas(cli: Run) -> None:  # noqa: F811 - the fixture
    with pytest.raises(NotALimit):
        cli("quotas", "show", "--user", "a", "--key", str(uuid7()))


def test_usage_is_told_summed_and_exported(
    cli: Run,  # noqa: F811 - the fixture
    house: House,
    databases: Databases,
    tmp_path: Path,
) -> None:
    principal = Authenticator(databases.system)(house.member_of_one)
    with databases.system.session() as session:
        account.keep(session, [record(principal, tokens) for tokens in (5, 7)])
    there = ("--tenant", "one")
    assert "2 requests are not summed yet" in cli("usage", "show", *there)[1]
    with databases.system.session() as session:
        rolling.roll_up(session)
    told = document(cli("usage", "show", "--by", "route", *there, "--json")[1])
    assert [(item["name"], item["prompt_tokens"], item["cost"]) for item in told["items"]] == [("default", 12, None)]
    assert "not known" in cli("usage", "show", *there)[1]
    assert [item["prompt_tokens"] for item in document(cli("usage", "records", *there, "--json")[1])["items"]] == [7, 5]
    assert "default" in cli("usage", "records", *there)[1]
    month = document(cli("usage", "account", *there, "--json")[1])
    assert month["total"]["requests"] == 2
    assert month["appliance_id"] == told["appliance_id"]
    assert "List prices of" in cli("usage", "account", "--month", month["month"], *there)[1]
    charged = cli("usage", "account", "--csv", *there)[1]
    (total, *parts) = csv.DictReader(charged.splitlines())
    assert (total["by"], total["prompt_tokens"], total["month"]) == ("total", "12", month["month"])
    assert (total["cost"], total["appliance_id"]) == ("", told["appliance_id"])
    assert {part["by"] for part in parts} == {"user", "key", "route", "model"}
    for by in ("user", "key", "route", "model"):
        assert sum(int(part["requests"]) for part in parts if part["by"] == by) == 2
    assert not cli("usage", "account", "--output", tmp_path / "a.csv", *there)[1]
    assert (tmp_path / "a.csv").read_text() == charged
    assert document(cli("usage", "cost", "--json")[1])["per_gpu_second"] is None
    assert "is not known" in cli("usage", "cost")[1]
    cli("usage", "export", "--output", tmp_path / "u.csv", *there)
    lines = (tmp_path / "u.csv").read_text().splitlines()
    assert len(lines) == 3
    assert all(line.startswith(told["appliance_id"]) for line in lines[1:])
    assert cli("usage", "export", *there)[1].splitlines() == lines
