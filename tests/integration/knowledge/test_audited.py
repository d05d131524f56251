"""Who changed or read which document is in the audit record, by ids and digests and without a word of it."""

import hashlib
from typing import Any

from sqlalchemy import text

from appliance.knowledge.service import Knowledge
from appliance.knowledge.wish import Wish
from tests.integration.knowledge.office import Office

FIRST, SECOND = "# Leave\n\nEveryone has 25 days.\n", "# Leave\n\nEveryone has 30 days.\n"


def told(office: Office) -> list[Any]:
    """The entries of the office's own person, oldest first."""
    query = "select action, object, before, after, details, outcome from audit_entries where actor = :actor order by id"
    with office.databases.operator.session() as session:
        return list(session.execute(text(query), {"actor": office.me.user}))


def digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def test_a_document_s_life_is_written_down_with_digests_and_without_a_word(office: Office) -> None:
    document = office.ready("leave.md", FIRST).id
    office.ready("leave.md", FIRST)  # the same bytes change nothing
    office.ready("leave.md", SECOND)
    with office.databases.app.session(office.me.tenant) as session:
        assert Knowledge(session, office.me).text(document).text
    office.forget(document)
    entries = told(office)
    assert [(one.action, one.object, one.before, one.after) for one in entries] == [
        ("collection.create", str(office.collection), None, None),
        ("document.create", str(document), None, digest(FIRST)),
        ("document.update", str(document), digest(FIRST), digest(SECOND)),
        ("document.read", str(document), None, None),
        ("document.delete", str(document), digest(SECOND), None),
    ]
    assert {one.outcome for one in entries} == {"done"}
    said = " ".join(str(tuple(one)) for one in entries)
    assert all(word not in said for word in ("leave", "Everyone", "handbook"))


def test_a_document_that_is_read_again_says_who_asked_for_it(office: Office) -> None:
    broken = office.add("broken.pdf", b"%PDF-1.7 no").document.id
    office.settle()
    office.retry(broken)
    office.settle()
    office.add("broken.pdf", b"%PDF-1.7 no")  # the same bytes again, of what failed
    assert [one.action for one in told(office)[-3:]] == ["document.create", "document.retry", "document.retry"]


def test_a_search_names_the_documents_that_were_read_and_not_the_question(office: Office) -> None:
    document = office.ready("leave.md", FIRST).id
    assert office.retrieval.search(office.me, "How many days has everyone?").passages
    empty = office.create("empty")
    assert not office.retrieval.search(office.me, "zebra", Wish(collections=[str(empty)])).passages
    hit, _, miss = told(office)[-3:]
    assert (hit.action, hit.details) == ("document.search", {"passages": 1, "documents": [str(document)]})
    assert miss.details == {"passages": 0, "documents": []}


def test_a_collection_goes_with_the_number_of_its_documents(office: Office) -> None:
    office.ready("leave.md", FIRST)
    with office.databases.app.session(office.me.tenant) as session:
        Knowledge(session, office.me).forget_collection(office.collection)
    last = told(office)[-1]
    assert (last.action, last.object, last.details) == (
        "collection.delete",
        str(office.collection),
        {"documents": 1},
    )
