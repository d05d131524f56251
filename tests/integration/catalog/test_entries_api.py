"""The catalogue's entries over HTTP and by the verbs."""

import pytest
from starlette.testclient import TestClient

from appliance.catalog import entry
from appliance.entry.cli.client import Refusal
from tests.factories.cli import Run, document
from tests.integration.web.conftest import House

PATH = "/api/v1/catalog/entries"


def test_entries_are_paged_by_name_and_anyone_signed_in_may_read_them(client: TestClient, house: House) -> None:
    member = House.bearer(house.member_of_one)
    names, cursor = [], None
    for _ in range(len(entry.load())):
        page = client.get(PATH, params={"limit": 1, **({"cursor": cursor} if cursor else {})}, headers=member).json()
        names += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert (names, cursor) == (list(entry.load()), None)


def test_an_entry_shows_the_terms_and_the_day_on_which_they_were_read(client: TestClient, house: House) -> None:
    member = House.bearer(house.member_of_one)
    found = client.get(f"{PATH}/smollm2-135m-instruct", headers=member).json()
    terms = entry.one("smollm2-135m-instruct").licence
    assert found["licence"]["read"] == terms.read.isoformat()
    assert found["doubts"] == list(terms.doubts)
    missing = client.get(f"{PATH}/gpt-9", headers=member)
    assert (missing.status_code, missing.json()["code"]) == (404, "entry_not_found")
    assert client.get(f"{PATH}/..%2fx", headers=member).status_code in (404, 422)
    assert client.get(PATH, params={"cursor": "../x"}, headers=member).status_code == 422


def test_the_verbs_list_and_show(cli: Run) -> None:
    assert "smollm2-135m-instruct" in cli("models", "entries", "list")[1]
    assert len(document(cli("models", "entries", "list", "--json")[1])["items"]) == len(entry.load())
    told = cli("models", "entries", "show", "all-minilm-l6-v2")[1]
    assert "not_served" in told
    assert "licence read:" in told
    assert document(cli("models", "entries", "show", "all-minilm-l6-v2", "--json")[1])["context"] == 256
    with pytest.raises(Refusal, match="gpt-9"):
        cli("models", "entries", "show", "gpt-9")
