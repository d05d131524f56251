"""Answers already given to creates that carried an ``Idempotency-Key``.

The key's row is written first, in the transaction of the act, and the answer is added before it commits: so there
is an answer exactly when the act was done. A second request with the key waits at the unique index until the first has
ended: then it gets the first one's answer, or does the act itself if the first failed. Errors are not kept: a refused
create changed nothing, so it may be tried again.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from psycopg.errors import LockNotAvailable
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from appliance.access.principal import Principal
from appliance.kit.errors import Conflict, Refused
from appliance.kit.ids import uuid7
from appliance.kit.rows import take_away
from appliance.tenants.tables import IdempotencyRow


class KeyReused(Refused):
    """This Idempotency-Key came before with another request."""

    code = "idempotency_key_reused"
    advice = "Send a new key with every new request; repeat a key only with the very same request."


class KeyInUse(Conflict):
    """A request with this Idempotency-Key is still being worked on."""

    code = "idempotency_key_in_use"
    advice = "Wait a moment, then send the same request again."


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered the first time, byte for byte."""

    status: int
    body: str


def fingerprint(parts: Iterable[bytes]) -> bytes:
    """SHA-256 over parts, each with its length before it, so that no two lists of parts look the same."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


def begin(session: Session, principal: Principal, key: str, request_hash: bytes) -> UUID | Answer:
    """Take the key for this act (the row's id), or the answer that it already has.

    Raises :class:`KeyReused` when it came with another request, :class:`KeyInUse` when that takes too long to wait for.
    """
    statement = (
        insert(IdempotencyRow)
        .values(
            id=uuid7(), tenant_id=principal.tenant, user_id=principal.user, key=key, request_hash=request_hash, body={}
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "user_id", "key"])
        .returning(IdempotencyRow.id)
    )
    try:
        fresh = session.execute(statement).scalar_one_or_none()
    except OperationalError as error:
        if isinstance(error.orig, LockNotAvailable):
            raise KeyInUse(retry_after=2) from error
        raise
    return fresh or _given(session, principal, key, request_hash)


def _given(session: Session, principal: Principal, key: str, request_hash: bytes) -> Answer:
    row = session.execute(
        select(IdempotencyRow).where(
            IdempotencyRow.tenant_id == principal.tenant,
            IdempotencyRow.user_id == principal.user,
            IdempotencyRow.key == key,
        )
    ).scalar_one()
    if row.request_hash != request_hash:
        raise KeyReused
    if row.status is None:
        raise KeyInUse(retry_after=2)
    return Answer(row.status, row.body["text"])


def finish(session: Session, row: UUID, answer: Answer) -> None:
    """Add the answer to its key, in the transaction of the act."""
    values = {"status": answer.status, "body": {"text": answer.body}}
    session.execute(update(IdempotencyRow).where(IdempotencyRow.id == row).values(**values))


def forget(session: Session, after: timedelta, most: int = 1000) -> int:
    """Delete up to ``most`` keys of long ago, of all tenants; how many went. For the ``system`` login."""
    return take_away(session, IdempotencyRow.id, IdempotencyRow.created_at < func.clock_timestamp() - after, most)
