"""The explanation says what a search does, whatever the reason; and looking through another's eyes is recorded."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import text

from appliance.access.permissions import Action, allowed
from appliance.access.principal import Principal, Role, TenantId
from appliance.kit.ids import uuid7
from appliance.knowledge import lists
from appliance.knowledge.errors import ChunkNotFound, DocumentNotFound
from appliance.knowledge.explaining import Explaining, Explanation
from appliance.tenants import viewing
from appliance.tenants.errors import UserNotFound
from appliance.tenants.service import Tenants
from tests.integration.knowledge.office import Office

PUMP = "The pump XR-200 is mounted with two straps."


@dataclass
class Staff:
    """Ann, who is in the board, and an administrator."""

    office: Office

    def __post_init__(self) -> None:
        tenant = self.office.me.tenant
        with self.office.databases.operator.session() as session:
            tenants = Tenants(session)
            people = tenants.people(tenant)
            self.ann = UUID(str(people.add("ann", "Ann", Role.MEMBER).id))
            self.admin = UUID(str(people.add("admin", "Admin", Role.TENANT_ADMIN).id))
            self.board = tenants.groups(tenant).create("Board").id
            tenants.groups(tenant).add(self.board, self.ann)

    def eyes(self, user: UUID) -> Principal:
        tenant = TenantId(self.office.me.tenant)
        with self.office.databases.app.session(tenant) as session:
            return viewing.viewed(session, tenant, user).principal

    def explain(self, document: UUID, user: UUID, chunk: UUID | None = None) -> Explanation:
        with self.office.databases.app.session(self.office.me.tenant) as session:
            return Explaining(session, self.eyes(self.admin)).document(document, user, chunk)

    def finds(self, user: UUID) -> set[UUID]:
        return {one.document for one in self.office.retrieval.find(self.eyes(user), "pump straps").passages}

    def run(self, statement: str, **values: object) -> None:
        with self.office.databases.operator.session() as session:
            session.execute(text(statement), values)

    def share(self, document: UUID, *readers: str) -> None:
        with self.office.databases.app.session(self.office.me.tenant) as session:
            lists.set_document(session, document, list(readers))


@pytest.fixture
def staff(office: Office) -> Staff:
    return Staff(office)


CASES: list[tuple[Callable[[Staff, UUID], object], set[str], str]] = [
    (lambda _staff, _key: None, set(), "the list of its collection names everyone"),
    (lambda staff, key: staff.share(key, f"group:{staff.board}"), set(), "own list names the group 'Board'"),
    (lambda staff, key: staff.share(key, f"user:{staff.ann}"), set(), "own list names 'ann'"),
    (lambda staff, key: staff.share(key, f"user:{staff.admin}"), {"not_listed"}, "names neither the person nor"),
    (lambda staff, key: staff.share(key), {"not_listed"}, "names neither the person nor"),
    (lambda staff, key: staff.office.forget(key), {"being_deleted"}, "is being deleted"),
]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_an_explanation_is_what_a_search_does(staff: Staff, case: int) -> None:
    change, against, told = CASES[case]
    document = staff.office.ready("pump.txt", PUMP).id
    (chunk,) = staff.office.chunks()
    change(staff, document)
    for _ in range(2):
        found = staff.explain(document, staff.ann, chunk)
        assert {one.code for one in found.reasons if not one.allows} == against
        assert any(told in one.told for one in found.reasons), found.reasons
        assert found.may_read == (document in staff.finds(staff.ann)) == (not against)
        staff.office.project()


def test_a_document_that_is_not_read_yet_is_nobody_s(staff: Staff) -> None:
    document = staff.office.add("pump.txt", PUMP.encode()).document.id
    found = staff.explain(document, staff.ann)
    assert [(one.code, one.allows) for one in found.reasons][-1] == ("not_ready", False)
    assert not found.may_read


def test_a_passage_of_a_coming_revision_is_not_found_yet(staff: Staff) -> None:
    document = staff.office.ready("pump.txt", PUMP).id
    (old,) = staff.office.chunks()
    staff.office.add("pump.txt", f"{PUMP} And a belt.".encode())
    staff.office.work()
    (new,) = staff.office.chunks() - {old}
    assert staff.explain(document, staff.ann, old).may_read
    assert [one.code for one in staff.explain(document, staff.ann, new).reasons if not one.allows] == ["other_revision"]
    staff.office.project()
    assert staff.explain(document, staff.ann, new).may_read
    with pytest.raises(ChunkNotFound):
        staff.explain(document, staff.ann, old)


def test_who_cannot_sign_in_or_whose_role_reads_nothing_may_not(staff: Staff) -> None:
    document = staff.office.ready("pump.txt", PUMP).id
    staff.run("update users set state = 'suspended', role = 'auditor' where id = :id", id=staff.ann)
    against = [one.code for one in staff.explain(document, staff.ann).reasons if not one.allows]
    assert against == ["suspended", "role"]


def test_what_there_is_not_is_not_explained(staff: Staff) -> None:
    document = staff.office.ready("pump.txt", PUMP).id
    with pytest.raises(DocumentNotFound):
        staff.explain(uuid7(), staff.ann)
    with pytest.raises(UserNotFound):
        staff.explain(document, uuid7())
    with pytest.raises(ChunkNotFound):
        staff.explain(document, staff.ann, uuid7())


def test_looking_through_another_s_eyes_finds_what_they_find_and_names_both(staff: Staff) -> None:
    mine = staff.office.ready("pump.txt", PUMP).id
    hers = staff.office.ready("straps.txt", f"{PUMP} For Ann.").id
    staff.share(hers, f"user:{staff.ann}")
    staff.share(mine, f"user:{staff.admin}")
    ann, admin = staff.eyes(staff.ann), staff.eyes(staff.admin)
    found = staff.office.retrieval.search(ann, "pump straps", by=admin)
    assert {one.document for one in found.passages} == {hers}
    query = "select actor, action, object, details from audit_entries where action like 'document.search%'"
    with staff.office.databases.operator.session() as session:
        (entry,) = session.execute(text(query)).all()
    assert (entry.actor, entry.action, entry.object) == (staff.admin, "document.search_as", str(staff.ann))
    assert entry.details == {"passages": 1, "documents": [str(hers)]}


def test_a_view_is_no_credential(staff: Staff) -> None:
    view = staff.eyes(staff.admin)
    assert not any(allowed(view, action) for action in Action)
