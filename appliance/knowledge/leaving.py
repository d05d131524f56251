"""A tenant's vectors leave the index: rows for the projector, as all that the index must do, and then a new shard.

A deleted point is out of every search at once, but its bytes stay in the shard until graphs are built again, and the
rows of the outbox are needed until the index has durably applied them. So the index is asked to compact: a successor
builds its graphs on a copy without the deleted points, takes over, and prunes the outbox.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from sqlalchemy import exists, select

from appliance.drivers.vectors.port import NIL, Reader
from appliance.kit import clock
from appliance.kit.database import Database
from appliance.knowledge import outbox
from appliance.knowledge.tables import IndexOutboxRow
from appliance.tenants.forgetting import NotYet, batches

PAGE = 1_000
PATIENCE = 10.0
"""Seconds to wait here; then the job is put off, and its worker is free."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """What a tenant has in the index. Its chunks must be gone: what is still to be inserted is then passed over."""

    system: Database
    reader: Reader
    compact: Callable[[], object]
    pause: Callable[[float], object]
    kind: str = "vectors"

    def names(self, tenant: UUID) -> Iterator[str]:
        """Ids of points, ascending."""
        return map(str, self._ids(tenant))

    def remove(self, tenant: UUID) -> None:
        """Until the index holds none and needs no row of the outbox. Raises :class:`NotYet` when that takes longer."""
        if any(True for _ in self._ids(tenant)):
            self._ask(tenant)
            self._until(lambda: not any(True for _ in self._ids(tenant)), "the index has points of it still")
        if self._needed(tenant):
            self.compact()
            self._until(lambda: not self._needed(tenant), "the index builds its successor")

    def _ids(self, tenant: UUID) -> Iterator[UUID]:
        return batches(lambda after: self.reader.ids(tenant, after, PAGE))

    def _ask(self, tenant: UUID) -> None:
        ids = self._ids(tenant)
        while page := list(islice(ids, PAGE)):
            with self.system.session() as session:
                outbox.append(session, self._changes(tenant, page))

    def _changes(self, tenant: UUID, page: Sequence[UUID]) -> list[outbox.Change]:
        return [outbox.Change("delete", tenant, NIL, NIL, point) for point in page]

    def _needed(self, tenant: UUID) -> bool:
        with self.system.session() as session:
            rows = exists().where(IndexOutboxRow.tenant_id == tenant)
            return session.execute(select(rows)).scalar_one()

    def _until(self, holds: Callable[[], bool], otherwise: str) -> None:
        deadline = clock.monotonic() + PATIENCE
        while not holds():
            if clock.monotonic() > deadline:
                raise NotYet(otherwise, retry_after=1)
            self.pause(0.05)
