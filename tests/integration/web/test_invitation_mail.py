"""An invitation's link by mail, to a real server: over TLS, in the tenant's language, and no fault of it is ours."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from appliance.access.principal import Role
from appliance.access.web import Databases
from appliance.entry import web
from appliance.kit.settings import MailSettings, Settings
from appliance.tenants import invitation_mail
from appliance.tenants.invitations import Invitations, Issued, Wish
from appliance.tenants.service import Tenants
from tests.factories import mail
from tests.factories.processes import until
from tests.factories.slapd import certificates
from tests.integration.web.conftest import House, roomy
from tests.integration.web.desk import Desk
from tests.integration.web.test_invitations import come, invited


def posting(settings: Settings, databases: Databases, **mail: object) -> Settings:
    """The same appliance with a mail server."""
    chosen = {"host": "127.0.0.1", "sender": "assistant@works.example", "public_url": "https://assistant.works", **mail}
    return roomy(settings, databases).model_copy(update={"mail": MailSettings.model_validate(chosen)})


def mailed(client: TestClient, admin: Desk, house: House, made: dict[str, Any]) -> str:
    """What became of the mail."""
    path = f"/{house.one}/invitations/{made['id']}"
    until(lambda: admin("GET", path)[1]["mail_state"] != "waiting", 30)
    return str(admin("GET", path)[1]["mail_state"])


def test_the_link_goes_out_by_mail_over_tls_in_the_tenant_s_language(
    settings: Settings, databases: Databases, house: House, tmp_path: Path
) -> None:
    certificates(tmp_path)
    settings.layout.secret("smtp-password").write_text("open sesame")
    with mail.server((tmp_path / "cert.pem", tmp_path / "key.pem"), "open sesame") as taken:
        known = {"port": taken.port, "ca": tmp_path / "ca.pem", "user": "assistant"}
        with TestClient(web.build(posting(settings, databases, **known))) as client:
            admin, operator = Desk(client, house.admin_of_one), Desk(client, house.operator)
            languages = {"settings": {"languages": ["zh-Hant", "en"]}}
            assert operator("PATCH", f"/{house.one}", languages, if_match='"1"')[0] == 200
            made = invited(admin, house.one, mail="ann.lee@example.com")
            assert made["mail_state"] == "waiting"
            assert mailed(client, admin, house, made) == "sent"
            (letter,) = taken.letters
            assert taken.tls == [True]
            assert (letter["from"], letter["to"]) == ("assistant@works.example", "ann.lee@example.com")
            assert letter["subject"] == "您已獲邀"
            said = letter.get_content()
            assert made["link"] in said
            assert made["link"].startswith("https://assistant.works/invitation#")
            assert come(client, made["link"])[0] == 201


FAULTS: dict[str, dict[str, object]] = {
    "dead": {"port": 1},
    "refuses": {},
    "no tls": {"security": "starttls"},
    "not of this machine": {"host": "mail.elsewhere.example"},
    "no password": {"user": "assistant"},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_mail_server_at_fault_fails_no_invitation(
    settings: Settings, databases: Databases, house: House, tmp_path: Path, fault: str
) -> None:
    with mail.server() as taken:
        taken.refuses = fault == "refuses"
        known: dict[str, object] = {"port": taken.port, "security": "none", **FAULTS[fault]}
        with TestClient(web.build(posting(settings, databases, **known))) as client:
            admin = Desk(client, house.admin_of_one)
            made = invited(admin, house.one, mail="ann.lee@example.com")
            state = mailed(client, admin, house, made)
            assert state not in ("sent", "waiting", "none")
            assert made["link"].rpartition("#")[2] not in state
            assert taken.letters == []
            assert come(client, made["link"])[0] == 201


OVERTAKEN: dict[str, tuple[Callable[[Invitations, Issued], object], str]] = {
    "revoked": (lambda invitations, issued: invitations.revoke(issued.invitation.id), invitation_mail.OVERTAKEN),
    "renewed": (lambda invitations, issued: invitations.resend(issued.invitation.id), "waiting"),
}


@pytest.mark.parametrize("how", OVERTAKEN)
def test_a_link_that_is_good_no_more_is_not_sent_and_says_nothing_of_the_one_after_it(
    settings: Settings, databases: Databases, house: House, how: str
) -> None:
    with databases.operator.session() as session:
        invitations = Tenants(session).invitations(house.one)
        issued = invitations.invite(Wish("ann", "Ann", Role.MEMBER, mail="ann.lee@example.com"))
    letter = invitation_mail.Letter(issued.invitation, f"https://assistant.works/invitation#{issued.secret}", "Admin")
    act, state = OVERTAKEN[how]
    with databases.operator.session() as session:
        act(Tenants(session).invitations(house.one), issued)
    with mail.server() as taken:
        known = posting(settings, databases, port=taken.port, security="none")
        invitation_mail.send(known, databases.app, letter)
        assert taken.letters == []
    with databases.operator.session() as session:
        assert Tenants(session).invitations(house.one).show(issued.invitation.id).mail_state == state
