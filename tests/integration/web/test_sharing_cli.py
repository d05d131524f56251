"""The verbs of access, over a real socket."""

from collections.abc import Iterator

import httpx
import pytest

from appliance.access.web import Databases
from appliance.entry import web
from appliance.entry.cli.sharing import NoReaders
from appliance.kit.errors import ApplianceError, NotFound
from appliance.kit.settings import Settings
from tests.factories.cli import Run, document, run
from tests.factories.serving import listening
from tests.integration.web.conftest import House, roomy


@pytest.fixture
def url(settings: Settings, databases: Databases) -> Iterator[str]:
    settings = roomy(settings, databases)
    with listening(web.server(web.build(settings), settings)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def cli(url: str, house: House, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Verbs of the administrator of tenant one."""
    monkeypatch.setenv("APPLIANCE_URL", url)
    monkeypatch.setenv("APPLIANCE_KEY", house.admin_of_one)
    return run


@pytest.fixture
def leave(cli: Run, url: str, house: House) -> str:
    """A document of the collection ``handbook``, which the member of one and Ann may read."""
    cli("users", "create", "ann", "--role", "editor")
    cli("groups", "create", "Board")
    made = document(cli("collections", "create", "handbook", "--json")[1])
    path = f"{url}/api/v1/collections/{made['id']}/documents"
    sent = httpx.post(path, files={"file": ("leave.md", b"# Leave\n")}, headers=House.bearer(house.member_of_one))
    found: str = sent.json()["document"]["id"]
    return found


def test_access_is_shown_shared_and_inherited(cli: Run, leave: str) -> None:
    told = document(cli("documents", "access", "leave.md", "--json")[1])
    assert (told["everyone"], told["inherited"]) == (True, True)
    code, printed = cli("documents", "share", "leave.md", "--collection", "handbook", "-g", "Board", "-u", "ann")
    assert (code, "group Board, ann" in printed, "pending since" in printed) == (0, True, True)
    assert "everyone" not in cli("documents", "access", leave)[1]
    with pytest.raises(ApplianceError, match=leave):
        cli("documents", "show", leave)
    assert "nobody" in cli("documents", "share", leave, "--nobody")[1]
    assert document(cli("documents", "inherit", leave, "--json")[1])["everyone"] is True
    shared = document(cli("collections", "share", "handbook", "--user", "ann", "--json")[1])
    assert [one["name"] for one in shared["users"]] == ["ann"]
    assert "ann" in cli("collections", "access", "handbook")[1]
    assert [one["name"] for one in document(cli("documents", "access", leave, "--json")[1])["users"]] == ["ann"]


@pytest.mark.parametrize("said", [[], ["--nobody", "--everyone"]])
def test_it_must_be_said_who_may_read(cli: Run, leave: str, said: list[str]) -> None:
    with pytest.raises(NoReaders):
        cli("documents", "share", leave, *said)


def test_names_that_there_are_not_are_refused(cli: Run, leave: str) -> None:
    for arguments in (("documents", "access", "other.md"), ("documents", "share", leave, "--group", "None")):
        with pytest.raises(NotFound):
            cli(*arguments)


def test_an_explanation_says_why_and_ends_with_1_where_it_is_no(cli: Run, leave: str) -> None:
    code, printed = cli("documents", "explain", "leave.md", "--user", "ann")
    assert (code, "'ann' may not read 'leave.md':" in printed) == (1, True)
    assert "✓ the list of its collection names everyone" in printed
    assert "✗ no revision of the document can be found yet: it is queued" in printed
    cli("documents", "share", leave, "--nobody")
    code, printed = cli("documents", "explain", leave, "--user", "ann", "--json")
    told = document(printed)
    assert (code, told["may_read"], [one["code"] for one in told["reasons"]]) == (
        1,
        False,
        ["active", "role", "not_listed", "not_ready"],
    )


def test_a_document_is_held_shown_and_released(cli: Run, leave: str) -> None:
    held = document(cli("documents", "hold", "leave.md", "--reason", "case 7", "--json")[1])
    assert (held["document_id"], held["reason"]) == (leave, "case 7")
    assert "case 7" in cli("documents", "holds")[1]
    assert document(cli("documents", "holds", "--json")[1])["items"] == [held]
    with pytest.raises(ApplianceError, match="legal hold"):
        cli("documents", "delete", leave)
    with pytest.raises(ApplianceError, match="legal hold"):
        cli("collections", "delete", "handbook", "--yes")
    assert "held no more" in cli("documents", "release", leave)[1]
    assert "Nothing is held" in cli("documents", "holds")[1]
    with pytest.raises(ApplianceError, match="under no legal hold"):
        cli("documents", "release", leave)


def test_a_document_s_states_are_told_and_what_failed_is_tried_again(cli: Run, leave: str) -> None:
    assert "queued" in cli("documents", "history", "leave.md")[1]
    (stage,) = document(cli("documents", "history", leave, "--json")[1])["items"]
    assert (stage["state"], stage["reason"]) == ("queued", None)
    again = document(cli("collections", "retry", "handbook", "--json")[1])
    assert (again["retried"], again["left"]) == (0, 0)
    assert "0 documents are read again." in cli("collections", "retry", "handbook")[1]


def test_a_document_s_revisions_are_told_by_its_name(cli: Run, leave: str) -> None:
    (first,) = document(cli("documents", "revisions", "leave.md", "--json")[1])["items"]
    assert (first["number"], first["served"]) == (1, False)
    assert document(cli("documents", "revisions", leave, "--json")[1])["items"] == [first]
    with pytest.raises(ApplianceError, match="no revision of this number: 7"):
        cli("documents", "revision", "leave.md", "7")
    with pytest.raises(ApplianceError, match="has not been read yet"):
        cli("documents", "diff", "leave.md", "1", "7")
