"""Invitations over the API: a link that is good once, for what the invitation says and nothing more."""

import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text, update
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.entry import web
from appliance.kit.ids import uuid7
from appliance.kit.settings import Settings
from appliance.tenants import repository
from appliance.tenants.lockout import GUESS
from appliance.tenants.tables import SignInCountRow
from tests.integration.web.conftest import ROOM, House, licence_in_force, roomy
from tests.integration.web.desk import PASSWORD, Desk, add, key_for, status_of

PATH = "/api/v1/invitations/accept"
NOT_VALID = "invitation_not_valid"


@pytest.fixture
def client(settings: Settings, databases: Databases) -> Iterator[TestClient]:
    with TestClient(web.build(roomy(settings, databases))) as client:
        yield client


@pytest.fixture
def operator(client: TestClient, house: House) -> Desk:
    return Desk(client, house.operator)


@pytest.fixture
def admin(client: TestClient, house: House) -> Desk:
    return Desk(client, house.admin_of_one)


def invited(desk: Desk, tenant: UUID, login: str = "ann", **more: object) -> dict[str, Any]:
    status, made = desk("POST", f"/{tenant}/invitations", {"login": login, **more})
    assert status == 201, made
    return dict(made)


def come(client: TestClient, link: str, **more: object) -> tuple[int, Any]:
    token = link.rpartition("#")[2]
    answer = client.post(PATH, json={"token": token, "password": PASSWORD, **more})
    return answer.status_code, answer.json()


def test_a_person_comes_in_with_role_and_groups_and_signs_in(client: TestClient, admin: Desk, house: House) -> None:
    group = admin("POST", f"/{house.one}/groups", {"name": "Board"})[1]
    made = invited(admin, house.one, name="Ann Lee", role="editor", groups=[group["id"]])
    assert (made["state"], made["mail_state"]) == ("pending", "none")
    assert made["link"].startswith("http://testserver/invitation#iv-")
    assert come(client, made["link"]) == (201, {"login": "ann"})
    signed = client.post("/api/v1/login", json={"login": "ann", "password": PASSWORD})
    assert signed.status_code == 201
    me = client.get("/api/v1/me", headers=House.bearer(signed.json()["key"])).json()
    assert (me["name"], me["role"], me["tenant_id"], me["groups"]) == (
        "Ann Lee",
        "editor",
        str(house.one),
        [group["id"]],
    )
    shown = admin("GET", f"/{house.one}/invitations/{made['id']}")[1]
    assert (shown["state"], shown["user_id"]) == ("accepted", me["user_id"])
    assert "link" not in shown


def test_a_link_is_good_once_and_every_other_is_refused_word_for_word(
    client: TestClient, admin: Desk, house: House, databases: Databases
) -> None:
    used, revoked, resent, over = (invited(admin, house.one, login) for login in ("used", "revoked", "resent", "over"))
    assert come(client, used["link"])[0] == 201
    assert admin("DELETE", f"/{house.one}/invitations/{revoked['id']}")[1]["state"] == "revoked"
    again = admin("POST", f"/{house.one}/invitations/{resent['id']}/resend", {"days": 1})[1]
    with databases.operator.session() as session:
        session.execute(
            text("update invitations set expires_at = now() - interval '1 second' where id = :id"), {"id": over["id"]}
        )
    told = [come(client, each["link"]) for each in (used, revoked, resent, over)]
    told.append(come(client, "#iv-nothing"))
    assert {status for status, _ in told} == {404}
    assert {(each["code"], each["detail"], each["advice"]) for _, each in told} == {
        (NOT_VALID, told[0][1]["detail"], told[0][1]["advice"])
    }
    assert come(client, again["link"])[0] == 201
    states = {item["login"]: item["state"] for item in admin("GET", f"/{house.one}/invitations")[1]["items"]}
    assert states == {"used": "accepted", "revoked": "revoked", "resent": "accepted", "over": "expired"}
    assert [item["login"] for item in admin("GET", f"/{house.one}/invitations?state=expired")[1]["items"]] == ["over"]


def test_of_two_who_come_at_once_one_gets_in(client: TestClient, admin: Desk, house: House) -> None:
    link = invited(admin, house.one)["link"]
    seen: list[int] = []
    threads = [threading.Thread(target=lambda: seen.append(come(client, link)[0])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) in ([201, 404, 404, 404], [201, 404, 404, 503], [201, 404, 503, 503])  # 503: sign-ins are busy
    assert len(admin("GET", f"/{house.one}/users?login=ann")[1]["items"]) == 1


@pytest.mark.parametrize("role", ["operator", "auditor"])
def test_nobody_is_asked_in_to_more_than_the_inviter_may_give(
    client: TestClient, admin: Desk, house: House, role: str
) -> None:
    assert admin("POST", f"/{house.one}/invitations", {"login": "eve", "role": role})[0] == 403
    editor = Desk(client, house.member_of_one)
    assert editor("POST", f"/{house.one}/invitations", {"login": "eve"})[0] == 403
    assert editor("GET", f"/{house.one}/invitations")[0] == 403


def test_an_admin_may_not_resend_what_an_operator_gave(operator: Desk, admin: Desk, house: House) -> None:
    made = invited(operator, house.one, "auditor of all", role="auditor")
    assert admin("POST", f"/{house.one}/invitations/{made['id']}/resend", {"days": 1})[0] == 403


def test_a_suspended_tenant_lets_nobody_in_and_a_resumed_one_does(
    client: TestClient, operator: Desk, admin: Desk, house: House
) -> None:
    link = invited(admin, house.one)["link"]
    operator("POST", f"/{house.one}/suspend")
    assert come(client, link)[1]["code"] == NOT_VALID
    operator("POST", f"/{house.one}/resume")
    assert come(client, link)[0] == 201


def test_seats_are_looked_for_with_those_who_have_not_come_yet(
    client: TestClient, admin: Desk, operator: Desk, house: House, databases: Databases
) -> None:
    used = len(operator("GET", f"/{house.one}/users")[1]["items"]) + len(
        operator("GET", f"/{house.two}/users")[1]["items"]
    )
    licence_in_force(databases, limits={**ROOM, "seats": used + 3})  # the operator's own seat, and two more
    client.app.state.licences.forget()  # type: ignore[attr-defined] # Starlette's app
    first, second = invited(admin, house.one, "first"), invited(admin, house.one, "second")
    status, told = admin("POST", f"/{house.one}/invitations", {"login": "third"})
    assert (status, told["code"]) == (403, "licence_limit")
    assert come(client, first["link"])[0] == 201
    add(operator, house.two, "elsewhere")
    status, told = come(client, second["link"])
    assert (status, told["code"]) == (403, "licence_limit")
    assert (
        admin("GET", f"/{house.one}/invitations/{second['id']}")[1]["state"] == "pending"
    )  # good once there is a seat


def test_seats_are_looked_for_with_whom_other_tenants_asked_in(
    client: TestClient, admin: Desk, operator: Desk, house: House, databases: Databases
) -> None:
    with databases.system.session() as session:
        licence_in_force(databases, limits={**ROOM, "seats": repository.seats(session) + 1})
    client.app.state.licences.forget()  # type: ignore[attr-defined] # Starlette's app
    made = invited(operator, house.two)
    assert admin("POST", f"/{house.one}/invitations", {"login": "bob"})[1]["code"] == "licence_limit"
    operator("DELETE", f"/{house.two}/invitations/{made['id']}")
    assert admin("POST", f"/{house.one}/invitations", {"login": "bob"})[0] == 201


def test_of_two_who_invite_the_same_person_at_once_one_does(admin: Desk, house: House) -> None:
    seen: list[int] = []

    def invite() -> None:
        seen.append(admin("POST", f"/{house.one}/invitations", {"login": "ann"})[0])

    threads = [threading.Thread(target=invite) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [201, *[409] * 7]


def test_a_key_with_scopes_invites_nobody_since_who_comes_has_none(
    client: TestClient, admin: Desk, house: House
) -> None:
    made = invited(admin, house.one)
    chief = add(admin, house.one, "chief", role="tenant_admin")
    scoped = Desk(client, key_for(admin, chief, scopes=["manage_users", "read_users"])["key"])
    assert scoped("POST", f"/{house.one}/invitations", {"login": "eve", "role": "tenant_admin"})[0] == 403
    assert scoped("POST", f"/{house.one}/invitations/{made['id']}/resend", {"days": 1})[0] == 403
    assert [item["login"] for item in scoped("GET", f"/{house.one}/invitations")[1]["items"]] == ["ann"]
    assert scoped("DELETE", f"/{house.one}/invitations/{made['id']}")[0] == 200


def test_a_link_that_is_over_is_not_renewed_for_who_is_here_or_asked_in_anew(
    admin: Desk, house: House, databases: Databases
) -> None:
    here, anew = invited(admin, house.one, "here"), invited(admin, house.one, "anew")
    with databases.operator.session() as session:
        session.execute(text("update invitations set expires_at = now() - interval '1 second'"))
    add(admin, house.one, "here")
    invited(admin, house.one, "anew")
    path = f"/{house.one}/invitations"
    assert admin("POST", f"{path}/{here['id']}/resend", {"days": 1})[1]["code"] == "name_taken"
    assert admin("POST", f"{path}/{anew['id']}/resend", {"days": 1})[1]["code"] == "invited_already"


def test_guesses_at_links_are_counted_by_source_and_apart_from_sign_ins(
    client: TestClient, admin: Desk, house: House, databases: Databases
) -> None:
    link = invited(admin, house.one)["link"]
    told = [come(client, f"#iv-{number}") for number in range(GUESS.free)]
    assert {status for status, _ in told} == {404}
    status, blocked = come(client, link)
    assert (status, blocked["code"]) == (429, "sign_in_blocked")
    add(admin, house.one, "bob", password=PASSWORD)
    assert client.post("/api/v1/login", json={"login": "bob", "password": PASSWORD}).status_code == 201
    with databases.system.session() as session:  # the pause is over
        session.execute(update(SignInCountRow).values(blocked_until=None))
    assert come(client, link)[0] == 201


def test_what_is_refused_to_who_has_a_link_is_in_the_record_and_a_guess_is_not(
    client: TestClient, admin: Desk, house: House, databases: Databases
) -> None:
    made = invited(admin, house.one)
    admin("DELETE", f"/{house.one}/invitations/{made['id']}")
    come(client, made["link"])
    come(client, "#iv-nothing")
    query = "select object, tenant_id, details from audit_entries where action = 'invitation.accept'"
    with databases.operator.session() as session:
        (entry,) = session.execute(text(f"{query} and outcome = 'refused'")).all()
    assert (entry.object, entry.tenant_id, entry.details) == (made["id"], house.one, {"code": NOT_VALID})


def test_bad_wishes_change_nothing(client: TestClient, admin: Desk, house: House) -> None:
    made = invited(admin, house.one)
    path = f"/{house.one}/invitations"
    assert admin("POST", path, {"login": "ann"})[1]["code"] == "invited_already"
    assert admin("POST", path, {"login": "member of one"})[1]["code"] == "name_taken"
    assert admin("POST", path, {"login": "bob", "groups": [str(uuid7())]})[1]["code"] == "group_not_found"
    assert admin("POST", path, {"login": "bob", "days": 31})[0] == 422
    for address in ("ann", "ann@example.com\nBcc: eve@example.com", "a b@example.com", "<ann@example.com>"):
        assert admin("POST", path, {"login": "bob", "mail": address})[0] == 422
    assert come(client, made["link"], password="short")[0] == 422
    assert come(client, made["link"])[0] == 201
    assert admin("DELETE", f"{path}/{made['id']}")[1]["code"] == "invitation_over"
    assert admin("POST", f"{path}/{made['id']}/resend", {"days": 1})[1]["code"] == "invitation_over"
    assert [item["login"] for item in admin("GET", path)[1]["items"]] == ["ann"]


def test_a_repeat_of_the_same_request_invites_once_and_shows_no_link(admin: Desk, house: House) -> None:
    body = {"login": "ann"}
    first = admin("POST", f"/{house.one}/invitations", body, idempotency_key="a" * 16)[1]
    second = admin("POST", f"/{house.one}/invitations", body, idempotency_key="a" * 16)[1]
    assert (second["id"], second["link"]) == (first["id"], None)


def test_the_secret_is_nowhere_but_in_the_answer(
    client: TestClient, admin: Desk, house: House, databases: Databases
) -> None:
    secret = invited(admin, house.one)["link"].rpartition("#")[2]
    come(client, f"#{secret}", name="Ann")
    with databases.operator.session() as session:
        rows = session.execute(text("select details::text, action from audit_entries")).all()
        kept = session.execute(text("select row_to_json(invitations)::text from invitations")).scalars().all()
    assert {"invitation.create", "invitation.accept", "user.create"} <= {row.action for row in rows}
    assert not [row for row in (*(row.details for row in rows), *kept) if secret in row]


def test_the_page_sends_what_follows_the_hash_and_runs_no_script_but_its_own(client: TestClient, house: House) -> None:
    page = client.get("/invitation")
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "<script>" not in page.text
    for name, kind in (("page.js", "text/javascript"), ("page.css", "text/css")):
        assert client.get(f"/invitation/{name}").headers["content-type"].startswith(kind)
    assert status_of(client, house.admin_of_one) == 200


def test_another_site_s_page_cannot_accept(client: TestClient, admin: Desk, house: House) -> None:
    token = invited(admin, house.one)["link"].rpartition("#")[2]
    answer = client.post(PATH, json={"token": token, "password": PASSWORD}, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403
