"""What a tenant leaves behind, and who removes it: a port declared here, below the slices that fill it in ``entry``.

Three forms. :data:`Quiet` tells why one must still wait: jobs that run, records on their way. :class:`Emptied` removes
the rows of a table, a batch a transaction. :class:`Things` removes what stands elsewhere: files, vectors. Each is
harmless to repeat: whoever is killed in the middle is followed by one who goes on where the tally stands.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Table, bindparam, func, select, text, tuple_
from sqlalchemy.orm import Session

from appliance.kit.database import Base
from appliance.kit.errors import Broken, Unavailable

BATCH = 2_000
"""Rows in one transaction: well within a statement's time."""

Quiet = Callable[[Session, UUID], str | None]
"""Why the tenant's data cannot be removed yet, None: it can. Asks what still runs to stop. A system session."""


class NotYet(Unavailable):
    """Something of the tenant is still at work; its deletion goes on when that has ended."""

    code = "not_yet"


class Left(Broken):
    """Something of the tenant came back while it was removed."""

    code = "left"


class Things(Protocol):
    """What stands outside the database. It is counted before it is removed."""

    @property
    def kind(self) -> str:
        """What they are called in the certificate."""
        ...

    def names(self, tenant: UUID) -> Iterator[str]:
        """What there is, in order."""
        ...

    def remove(self, tenant: UUID) -> None:
        """Remove all of it. Raises :class:`NotYet` when that takes longer."""
        ...


@dataclass(frozen=True, slots=True)
class Emptied:
    """A table of which the tenant's rows are deleted, named by their primary key."""

    kind: str

    def step(self, session: Session, tenant: UUID) -> Sequence[str]:
        """A batch of them."""
        table = _table(self.kind)
        key = list(table.primary_key.columns)
        chosen = select(*key).where(table.c.tenant_id == tenant).limit(BATCH)
        gone = table.delete().where(tuple_(*key).in_(chosen)).returning(*key)
        return sorted("/".join(str(part) for part in row) for row in session.execute(gone))

    def left(self, session: Session, tenant: UUID) -> int:
        """How many there are."""
        table = _table(self.kind)
        return session.execute(select(func.count()).select_from(table).where(table.c.tenant_id == tenant)).scalar_one()


Forgetter = Emptied | Things


def left(forgetter: Forgetter, session: Session, tenant: UUID) -> int:
    """How much there is of it still."""
    if isinstance(forgetter, Emptied):
        return forgetter.left(session, tenant)
    return sum(1 for _ in forgetter.names(tenant))


def late(session: Session, tables: Iterable[str]) -> int:
    """Empty the tables of tenants that are deleted: what somebody wrote who had begun before; how many rows.

    For each sweep, as the ``system`` login: one question where no tenant was ever deleted.
    """
    gone = list(session.execute(text("select id from tenants where state = 'deleted'")).scalars())
    if not gone:
        return 0
    counted = 0
    for name in tables:
        table = _table(name)
        statement = table.delete().where(table.c.tenant_id.in_(bindparam("gone", expanding=True)))
        counted += len(session.execute(statement.returning(table.c.tenant_id), {"gone": gone}).all())
    return counted


def tallied(former: dict[str, Any] | None, names: Iterable[str]) -> dict[str, Any]:
    """A count and a digest, with more names: SHA-256 over the digest before and each name on a line of its own."""
    count, digest = (former["count"], former["digest"]) if former else (0, "")
    rest = iter(names)
    while batch := list(islice(rest, BATCH)):
        count += len(batch)
        digest = hashlib.sha256("\n".join([digest, *batch]).encode()).hexdigest()
    return {"count": count, "digest": digest or hashlib.sha256(b"").hexdigest()}


def batches(ids: Callable[[UUID | None], Sequence[UUID]]) -> Iterator[UUID]:
    """All ids of pages that are asked for by the last id of the page before."""
    after: UUID | None = None
    while page := ids(after):
        yield from page
        after = page[-1]


def _table(name: str) -> Table:
    return Base.metadata.tables[name]
