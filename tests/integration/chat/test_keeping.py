"""A tenant says how many days conversations are kept; what is older goes with all that was said, and nothing else."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text, update

from appliance.access.principal import Principal
from appliance.access.web import Databases
from appliance.chat.keeping import forget_old
from appliance.chat.service import Conversations
from appliance.chat.tables import ConversationRow, MessageRow
from appliance.entry import handlers
from appliance.entry.keeping import forget_conversations
from appliance.kit import clock
from appliance.kit.settings import Settings
from appliance.tenants.service import Tenants
from tests.integration.chat.conftest import People
from tests.integration.chat.test_conversations import asked

DAYS = 30
OVER, WITHIN = timedelta(days=DAYS, hours=1), timedelta(days=DAYS, hours=-1)


@pytest.fixture
def kept(databases: Databases, people_of: People) -> People:
    """The first tenant keeps conversations for a month, the second has not said."""
    chosen = {"keep_conversations_days": DAYS}
    with databases.operator.session() as session:
        Tenants(session).change(people_of.one.tenant, '"1"', chosen=chosen)
    return people_of


def aged(databases: Databases, principal: Principal, begun: timedelta, asked_last: timedelta) -> UUID:
    """A conversation of so long ago."""
    key = asked(databases, principal).conversation
    with databases.app.session(principal.tenant) as session:
        for row, where, age in (
            (ConversationRow, ConversationRow.id, begun),
            (MessageRow, MessageRow.conversation_id, asked_last),
        ):
            session.execute(update(row).where(where == key).values(created_at=clock.now() - age))
    return key


def swept(databases: Databases, settings: Settings) -> int:
    with databases.system.session() as session:
        return forget_conversations(session, settings)


def left(databases: Databases, principal: Principal) -> set[UUID]:
    with databases.app.session(principal.tenant) as session:
        return {one.id for one in Conversations(session, principal).list(None, 100).items}


def test_what_was_not_written_to_for_so_long_goes_with_all_that_was_said(
    databases: Databases, settings: Settings, kept: People
) -> None:
    old = aged(databases, kept.one, OVER, OVER)
    fresh = aged(databases, kept.one, WITHIN, WITHIN)
    gone_on = aged(databases, kept.one, OVER, WITHIN)
    colleagues = aged(databases, kept.colleague, OVER, OVER)
    assert swept(databases, settings) == 2
    assert swept(databases, settings) == 0
    assert left(databases, kept.one) == {fresh, gone_on}
    assert left(databases, kept.colleague) == set()
    with databases.app.session(kept.one.tenant) as session:
        for query in (
            "select count(*) from messages where conversation_id = any(:gone)",
            "select count(*) from citations where message_id not in (select id from messages)",
        ):
            assert session.execute(text(query), {"gone": [old, colleagues]}).scalar_one() == 0
        assert session.execute(text("select count(*) from citations")).scalar_one() == 4
    with databases.operator.session() as session:
        query = "select details, actor from audit_entries where action = 'conversations.forget'"
        (entry,) = session.execute(text(query)).all()
    assert (entry.details, entry.actor) == ({"count": 2, "days": DAYS}, None)


def test_a_tenant_that_has_not_said_keeps_all(databases: Databases, settings: Settings, kept: People) -> None:
    theirs = aged(databases, kept.stranger, timedelta(days=4000), timedelta(days=4000))
    assert swept(databases, settings) == 0
    assert left(databases, kept.stranger) == {theirs}


def test_more_than_a_batch_goes(databases: Databases, kept: People) -> None:
    for _ in range(5):
        aged(databases, kept.one, OVER, OVER)
    assert forget_old(databases.app, kept.one.tenant, DAYS, batch=2) == 5
    assert left(databases, kept.one) == set()


def test_what_is_asked_at_this_moment_is_passed_by(databases: Databases, settings: Settings, kept: People) -> None:
    key = aged(databases, kept.one, OVER, OVER)
    with databases.app.session(kept.one.tenant) as session:
        Conversations(session, kept.one).begin(key, "And in June?", "en")
        assert swept(databases, settings) == 0
    assert swept(databases, settings) == 0
    assert left(databases, kept.one) == {key}


def test_a_tenant_that_is_being_deleted_is_the_deletions(
    databases: Databases, settings: Settings, kept: People
) -> None:
    aged(databases, kept.one, OVER, OVER)
    with databases.operator.session() as session:
        session.execute(text("update tenants set state = 'deleting' where id = :id"), {"id": kept.one.tenant})
    assert swept(databases, settings) == 0


def test_the_worker_does_it_with_its_other_chores(databases: Databases, settings: Settings, kept: People) -> None:
    aged(databases, kept.one, OVER, OVER)
    for chore in handlers.chores(settings):
        with databases.system.session() as session:
            chore(session)
    assert left(databases, kept.one) == set()
