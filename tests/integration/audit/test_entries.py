"""What an entry of an act tells, and of one that was refused."""

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.audit.service import Audit
from appliance.kit.canonical import digest_of
from appliance.kit.ids import uuid7
from tests.integration.web.conftest import House, client, house, housed, template

__all__ = ("client", "house", "housed", "template")


def _refused(databases: Databases) -> list[tuple[object, ...]]:
    statement = "select action, object, source, details ->> 'code' from audit_entries where outcome = 'refused'"
    with databases.operator.session() as session:
        return [tuple(row) for row in session.execute(text(statement))]


def test_an_act_tells_its_request_and_its_source(client: TestClient, house: House, databases: Databases) -> None:
    headers = {**House.bearer(house.operator), "x-request-id": "request-of-act"}
    made = client.post("/api/v1/tenants", headers=headers, json={"name": "three"})
    with databases.operator.session() as session:
        statement = "select source, request_id from audit_entries where action = 'tenant.create' and object = :id"
        assert tuple(session.execute(text(statement), made.json()).one()) == ("testclient", "request-of-act")


@pytest.mark.parametrize("reads", [False, True])
def test_a_refused_act_names_its_object_and_a_mistyped_read_leaves_nothing(
    client: TestClient, house: House, databases: Databases, reads: bool
) -> None:
    nobody = uuid7()
    if reads:
        assert client.get(f"/api/v1/jobs/{nobody}", headers=House.bearer(house.member_of_one)).status_code == 404
        assert _refused(databases) == []
        return
    assert client.post(f"/api/v1/jobs/{nobody}/cancel", headers=House.bearer(house.member_of_one)).status_code == 404
    expected = ("POST /api/v1/jobs/{job_id}/cancel", str(nobody), "testclient", "job_not_found")
    assert _refused(databases) == [expected]


def test_digests_stand_beside_the_act_and_odd_details_become_text(house: House, databases: Databases) -> None:
    with databases.app.session(house.one) as session:
        audit = Audit(session, house.one, None)
        audit.record("x", before=digest_of({"a": 1}), after=digest_of({"a": 2}), share=0.5, who=house.two)
    with databases.operator.session() as session:
        row = session.execute(text("select before, after, details from audit_entries where action = 'x'")).one()
    assert tuple(row) == (digest_of({"a": 1}), digest_of({"a": 2}), {"share": "0.5", "who": str(house.two)})
