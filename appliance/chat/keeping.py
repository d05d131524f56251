"""Conversations are kept as long as their tenant says; older ones are forgotten, some at a time.

Its age is that of its last message. By the app login scoped to the tenant: the ``system`` login may neither read
conversations nor delete those of a tenant that stays.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, select
from sqlalchemy.orm import Session

from appliance.audit.service import Audit
from appliance.chat.tables import ConversationRow, MessageRow
from appliance.kit import clock
from appliance.kit.database import Database

BATCH: Final = 500
"""Conversations that go in one transaction."""


def forget_old(app: Database, tenant: UUID, days: int, batch: int = BATCH) -> int:
    """Delete what was not written to for so many days, with messages and citations; how many conversations went."""
    before = clock.now() - timedelta(days=days)
    total, went = 0, batch
    while went == batch:
        with app.session(tenant) as session:
            went = _batch(session, tenant, before, batch)
            if went:
                Audit(session, tenant, None).record("conversations.forget", tenant, count=went, days=days)
        total += went
    return total


def _batch(session: Session, tenant: UUID, before: datetime, most: int) -> int:
    """Lock them, then look again: what was asked between the two is seen, and what is asked now is passed by."""
    old = _old(tenant, before)
    found = select(ConversationRow.id).where(*old).order_by(ConversationRow.id).limit(most)
    keys = session.scalars(found.with_for_update(skip_locked=True)).all()
    gone = delete(ConversationRow).where(ConversationRow.id.in_(keys), *old).returning(ConversationRow.id)
    return len(session.scalars(gone).all())


def _old(tenant: UUID, before: datetime) -> tuple[ColumnElement[bool], ...]:
    later = exists().where(
        MessageRow.tenant_id == tenant,
        MessageRow.conversation_id == ConversationRow.id,
        MessageRow.created_at >= before,
    )
    return ConversationRow.tenant_id == tenant, ConversationRow.created_at < before, ~later
