"""More of what Entra and Okta send, whatever one asks for."""

from tests.integration.directory.entra import ENTERPRISE, Scim

ENTRA = (
    {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Works"},
    {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": "58342554"},
    {"op": "Replace", "path": 'phoneNumbers[type eq "work"].value', "value": "1"},
    {"op": "Add", "path": 'addresses[type eq "work"].locality', "value": "Bern"},
    {"op": "Add", "path": "preferredLanguage", "value": "de"},
)
ADDED = {"displayName": "Ann L.", f"{ENTERPRISE}:department": "Works", "name.givenName": "Ann", "title": "Head"}


def test_what_we_do_not_keep_stops_nothing_that_comes_with_it(scim: Scim) -> None:
    """Entra sends whatever its mapping names, beside what we keep; a refusal would stop the whole of its round."""
    path = f"/Users/{scim.user('ann')['id']}"
    for number, habit in enumerate(ENTRA):
        named = {"op": "Replace", "path": "displayName", "value": f"Ann {number}"}
        answer = scim.patch(path, habit, named)
        assert answer.status_code == 204, (habit, answer.text)
        assert scim("GET", path).json()["displayName"] == f"Ann {number}", habit
    assert scim.patch(path, {"op": "Add", "value": ADDED}).status_code == 204
    told = scim("GET", path).json()
    assert (told["displayName"], told["name"]["givenName"]) == ("Ann L.", "Ann")


def test_okta_renames_a_group_by_what_it_was_told_of_it(scim: Scim) -> None:
    ann = scim.user("ann")["id"]
    board = scim.group("Board", ann)
    answer = scim.patch(f"/Groups/{board['id']}", {"op": "replace", "value": {"id": board["id"], "displayName": "Top"}})
    assert answer.status_code in (200, 204), answer.text
    told = scim("GET", "/Groups?filter=displayName%20eq%20%22Top%22&startIndex=1&count=100").json()["Resources"]
    assert [found["id"] for found in told] == [board["id"]]
    assert [member["value"] for member in told[0]["members"]] == [ann]
    (bare,) = scim("GET", "/Groups?excludedAttributes=members&filter=displayName%20eq%20%22Top%22").json()["Resources"]
    assert "members" not in bare, "Entra asks for groups without the members of each"
