"""Changes of access and search: in force at once, whatever the index knows; and how the index learns of them."""

from uuid import UUID

import pytest
from sqlalchemy import text

from appliance.access.principal import Principal
from appliance.access.readers import Readers
from appliance.knowledge import lists
from appliance.knowledge.passages import MOST_NAMED
from appliance.knowledge.service import Knowledge
from appliance.knowledge.wish import Wish
from tests.integration.knowledge.office import Office, member

PUMP = "The pump XR-200 is mounted with two straps."
ASKED = "pump straps"


def shared(office: Office, document: UUID, readers: list[str] | None) -> None:
    with office.databases.app.session(office.me.tenant) as session:
        lists.set_document(session, document, readers)


def shared_collection(office: Office, readers: list[str]) -> int:
    with office.databases.app.session(office.me.tenant) as session:
        return lists.set_collection(session, office.collection, readers)


def found(office: Office, who: Principal, limit: int = 10) -> set[str]:
    return {passage.name for passage in office.retrieval.find(who, ASKED, Wish(limit)).passages}


def waiting(office: Office) -> int:
    with office.databases.system.session() as session:
        return lists.behind(session)[0]


@pytest.fixture
def other(office: Office) -> Principal:
    return member(office.me.tenant)


def test_a_collection_s_change_is_in_force_before_the_index_knows_and_after(office: Office, other: Principal) -> None:
    for number in range(3):
        office.ready(f"{number}.txt", f"{PUMP} {number}")
    every = {"0.txt", "1.txt", "2.txt"}
    mine = [f"user:{office.me.user}"]
    for readers, expected in ((mine, set[str]()), (["everyone"], every), ([], set[str]())):
        assert shared_collection(office, readers) == 3
        assert waiting(office) == 3
        assert found(office, other) == expected
        office.project()
        assert waiting(office) == 0
        assert found(office, other) == expected
    assert shared_collection(office, []) == 0, "what does not change is not projected again"


def test_what_is_added_later_has_its_collection_s_list_in_the_index_too(office: Office, other: Principal) -> None:
    shared_collection(office, [f"user:{office.me.user}"])
    office.ready("pump.txt", PUMP)
    assert waiting(office) == 0
    assert (found(office, office.me), found(office, other)) == ({"pump.txt"}, set())


def test_a_new_revision_keeps_the_document_s_own_list(office: Office, other: Principal) -> None:
    document = office.ready("pump.txt", PUMP).id
    shared(office, document, [f"user:{office.me.user}"])
    office.ready("pump.txt", f"{PUMP} And a belt.")
    assert (found(office, office.me), found(office, other)) == ({"pump.txt"}, set())
    shared(office, document, None)
    assert found(office, other) == {"pump.txt"}


def test_a_change_between_two_that_the_index_applies_is_not_lost(office: Office, other: Principal) -> None:
    """There and back again: the list is what the index knows by its value, and yet its points have another."""
    document = office.ready("pump.txt", PUMP).id
    shared(office, document, [])
    office.position = office.projection.apply(office.position, flips=True).seq
    shared(office, document, ["group:x"])
    office.vectors.share(office.me.tenant, list(office.points()), ["group:x"])  # applied, and not acknowledged yet
    shared(office, document, [])
    shared(office, document, ["everyone"])
    assert found(office, other) == {"pump.txt"}
    office.project()
    assert found(office, other) == {"pump.txt"}
    assert waiting(office) == 0


def test_better_ones_that_were_revoked_take_no_place(office: Office, other: Principal) -> None:
    office.retrieval.depth = 2
    hidden = [office.ready(f"hidden-{number}.txt", f"pump straps pump straps {number}").id for number in range(20)]
    office.ready("pump.txt", PUMP)
    for document in hidden:
        shared(office, document, [])
    assert found(office, other, limit=3) == {"pump.txt"}
    office.project()
    assert found(office, other, limit=3) == {"pump.txt"}


def test_more_changes_than_can_be_named_are_obeyed_all_the_same(office: Office, other: Principal) -> None:
    closed = office.ready("closed.txt", f"pump straps {PUMP}").id
    pump = office.ready("pump.txt", PUMP).id
    for document in (closed, pump):
        shared(office, document, [])
    office.project()
    rows = "select gen_random_uuid(), :tenant, :collection, 'd' || n, 'failed', now() from generate_series(1, :count) n"
    columns = "id, tenant_id, collection_id, name, state, access_changed_at"
    with office.databases.app.session(office.me.tenant) as session:
        session.execute(
            text(f"insert into documents ({columns}) {rows}"),
            {"tenant": office.me.tenant, "collection": office.collection, "count": MOST_NAMED + 1},
        )
    shared(office, pump, [f"user:{other.user}"])
    assert found(office, other) == {"pump.txt"}
    assert found(office, office.me) == set()


def test_a_document_that_is_being_deleted_is_shared_with_nobody_and_stays_withheld(
    office: Office, other: Principal
) -> None:
    document = office.ready("pump.txt", PUMP).id
    shared(office, document, [f"user:{other.user}"])
    office.forget_as(other, document)
    office.project()
    assert waiting(office) == 1
    assert found(office, other) == set()
    office.settle()
    assert waiting(office) == 0


def test_a_list_is_the_same_from_its_entries_and_back() -> None:
    assert Readers().entries == []
    entries = ["everyone", *sorted(f"{kind}:{UUID(int=number)}" for kind in ("group", "user") for number in (1, 2))]
    assert Readers.of(reversed(entries)).entries == entries


def test_only_the_caller_s_own_documents_make_a_collection_seen(office: Office, other: Principal) -> None:
    office.ready("pump.txt", PUMP)
    shared_collection(office, [f"user:{office.me.user}"])
    with office.databases.app.session(office.me.tenant) as session:
        assert Knowledge(session, other).collections(None, 10).items == ()
        (mine,) = Knowledge(session, office.me).collections(None, 10).items
    assert mine.documents == {"ready": 1}
