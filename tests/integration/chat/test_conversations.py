"""Conversations belong to one person; what is deleted is gone; what was left pending is closed."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import insert, text, update

from appliance.access.principal import Principal
from appliance.access.web import Databases
from appliance.chat import answer as answers
from appliance.chat.answer import Answer
from appliance.chat.errors import ConversationNotFound, MessageSettled
from appliance.chat.evidence import pool
from appliance.chat.following import Leaning
from appliance.chat.quoting import ranked
from appliance.chat.service import ORPHANED, Conversations, Message, Pending, close_orphans, forget_document
from appliance.chat.tables import MessageRow
from appliance.kit import clock
from appliance.kit.ids import uuid7
from appliance.knowledge import lists
from appliance.knowledge.tables import CollectionRow, DocumentRow
from tests.factories.sources import passage
from tests.integration.chat.conftest import People

SOURCE = passage("The fee is 15 EUR. It is paid in June.", name="fees.md")


def quoted() -> Answer:
    ground = pool([SOURCE])
    return answers.quoted(ranked(Leaning("What is the fee?"), ground), ground, "asked", "")


def asked(databases: Databases, principal: Principal, *, finish: bool = True) -> Pending:
    """A question, answered or left pending."""
    with databases.app.session(principal.tenant) as session:
        conversations = Conversations(session, principal)
        pending = conversations.begin(None, "What is the fee?", "en")
        if finish:
            conversations.finish(pending, quoted(), {"reason": "asked"})
    return pending


def test_a_conversation_is_named_by_its_first_question(databases: Databases, people_of: People) -> None:
    asked(databases, people_of.one)

    with databases.app.session(people_of.one.tenant) as session:
        (found,) = Conversations(session, people_of.one).list(None, 10).items
        assert found == Conversations(session, people_of.one).one(found.id)
    assert found.title == "What is the fee?"


def test_conversations_come_newest_first_in_pages(databases: Databases, people_of: People) -> None:
    with databases.app.session(people_of.one.tenant) as session:
        conversations = Conversations(session, people_of.one)
        made = [conversations.create(str(number)).id for number in range(3)]
        first = conversations.list(None, 2)
        second = conversations.list(first.next_cursor, 2)

    assert [one.id for one in (*first.items, *second.items)] == made[::-1]
    assert second.next_cursor is None


def test_messages_come_oldest_first_in_pages(databases: Databases, people_of: People) -> None:
    pending = asked(databases, people_of.one)

    with databases.app.session(people_of.one.tenant) as session:
        conversations = Conversations(session, people_of.one)
        first = conversations.messages(pending.conversation, None, 1)
        second = conversations.messages(pending.conversation, first.next_cursor, 1)

    assert [one.role for one in (*first.items, *second.items)] == ["user", "assistant"]
    assert [citation.quote for citation in second.items[0].citations] == ["The fee is 15 EUR.", "It is paid in June."]
    assert [citation.number for citation in second.items[0].citations] == [1, 2]


def test_what_rests_on_a_document_that_its_person_may_not_read_any_more_is_not_shown(
    databases: Databases, people_of: People
) -> None:
    pending, document = asked(databases, people_of.one), SOURCE.document
    with databases.app.session(people_of.one.tenant) as session:
        made, ids = uuid7(), {"tenant_id": people_of.one.tenant}
        session.execute(insert(CollectionRow).values(id=made, name="fees", **ids))
        session.execute(insert(DocumentRow).values(id=document, collection_id=made, name="fees.md", **ids))

    def shown() -> Message:
        with databases.app.session(people_of.one.tenant) as session:
            return Conversations(session, people_of.one).messages(pending.conversation, None, 5).items[1]

    before = shown()
    assert before.content
    assert all(citation.quote for citation in before.citations)
    for readers, whole in ((["group:board"], False), ([f"user:{people_of.one.user}"], True), ([], False)):
        with databases.app.session(people_of.one.tenant) as session:
            lists.set_document(session, document, readers)
        now = shown()
        if whole:
            assert now == before
            continue
        assert (now.content, now.sentences) == ("", ())
        assert [(one.quote, one.headings) for one in now.citations] == [(None, ()), (None, ())]


@pytest.mark.parametrize("who", ["colleague", "stranger"])
def test_another_persons_conversation_is_not_there(databases: Databases, people_of: People, who: str) -> None:
    mine = asked(databases, people_of.one).conversation
    other: Principal = getattr(people_of, who)

    with databases.app.session(other.tenant) as session:
        conversations = Conversations(session, other)
        assert conversations.list(None, 10).items == ()
        for act in (conversations.one, conversations.remove, lambda key: conversations.messages(key, None, 10)):
            with pytest.raises(ConversationNotFound):
                act(mine)


def test_a_deleted_conversation_is_gone(databases: Databases, people_of: People) -> None:
    mine = asked(databases, people_of.one).conversation

    with databases.app.session(people_of.one.tenant) as session:
        Conversations(session, people_of.one).remove(mine)

    with databases.app.session(people_of.one.tenant) as session, pytest.raises(ConversationNotFound):
        Conversations(session, people_of.one).one(mine)


def test_an_answer_is_kept_once(databases: Databases, people_of: People) -> None:
    pending = asked(databases, people_of.one)

    with databases.app.session(people_of.one.tenant) as session:
        conversations = Conversations(session, people_of.one)
        conversations.give_up(pending, "interrupted")
        with pytest.raises(MessageSettled):
            conversations.finish(pending, quoted(), {})
        assert conversations.messages(pending.conversation, None, 10).items[1].state == "done"


def test_orphans_of_every_tenant_are_closed_as_interrupted_and_fresh_answers_are_not(
    databases: Databases, people_of: People
) -> None:
    old, fresh = (asked(databases, people_of.one, finish=False) for _ in range(2))
    strange = asked(databases, people_of.stranger, finish=False)
    for principal, pending in ((people_of.one, old), (people_of.stranger, strange)):
        with databases.app.session(principal.tenant) as session:
            long_ago = clock.now() - ORPHANED - timedelta(seconds=1)
            session.execute(update(MessageRow).where(MessageRow.id == pending.message).values(created_at=long_ago))

    with databases.system.session() as session:
        assert close_orphans(session) == 2
        assert close_orphans(session) == 0

    assert state(databases, people_of.one, old) == "interrupted"
    assert state(databases, people_of.stranger, strange) == "interrupted"
    assert state(databases, people_of.one, fresh) == "pending"


def state(databases: Databases, principal: Principal, pending: Pending) -> str:
    with databases.app.session(principal.tenant) as session:
        return Conversations(session, principal).messages(pending.conversation, None, 10).items[1].state


def test_a_deleted_document_leaves_neither_quotes_nor_the_answers_that_lean_on_it(
    databases: Databases, people_of: People
) -> None:
    pending, other = asked(databases, people_of.one), asked(databases, people_of.stranger)

    with databases.app.session(people_of.one.tenant) as session:
        forget_document(session, people_of.one.tenant, SOURCE.document)

    mine = answered(databases, people_of.one, pending)
    assert (mine.content, mine.sentences) == ("", ())
    assert [one.quote for one in mine.citations] == [None, None]
    assert [one.document for one in mine.citations] == ["fees.md", "fees.md"]
    assert answered(databases, people_of.stranger, other).content  # the same id in another tenant is untouched


def test_another_document_is_not_forgotten_with_it(databases: Databases, people_of: People) -> None:
    pending = asked(databases, people_of.one)

    with databases.app.session(people_of.one.tenant) as session:
        forget_document(session, people_of.one.tenant, uuid7())

    assert answered(databases, people_of.one, pending).citations[0].quote == "The fee is 15 EUR."


def answered(databases: Databases, principal: Principal, pending: Pending) -> Message:
    with databases.app.session(principal.tenant) as session:
        return Conversations(session, principal).messages(pending.conversation, None, 10).items[1]


def test_a_conversation_that_never_was_is_not_found(databases: Databases, people_of: People) -> None:
    with databases.app.session(people_of.one.tenant) as session, pytest.raises(ConversationNotFound):
        Conversations(session, people_of.one).earlier(UUID(int=1))


def test_who_asks_reads_or_deletes_is_in_the_audit_and_no_word_of_it(databases: Databases, people_of: People) -> None:
    pending = asked(databases, people_of.one)
    with databases.app.session(people_of.one.tenant) as session:
        conversations = Conversations(session, people_of.one)
        conversations.messages(pending.conversation, None, 10)
        conversations.remove(pending.conversation)
        with pytest.raises(ConversationNotFound):
            conversations.remove(pending.conversation)
    query = "select action, object, details from audit_entries where actor = :actor order by id"
    with databases.operator.session() as session:
        entries = session.execute(text(query), {"actor": people_of.one.user}).all()
    acts = ["conversation." + verb for verb in ("create", "ask", "read", "delete")]
    assert [tuple(one)[:2] for one in entries] == [(act, str(pending.conversation)) for act in acts]
    assert [one.details for one in entries] == [{}, {"answer": str(pending.message)}, {"messages": 2}, {}]
