"""Reading the record: lists, signed heads, proof and export. Works in sessions of the operator login."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.audit import ocsf, repository
from appliance.audit.chain import Head
from appliance.audit.repository import Filter
from appliance.audit.verifying import Break, Kind, Record, Verdict, verify
from appliance.kit import paging
from appliance.kit.database import Database

__all__ = ("Filter", "Reading")
PAGE = 2_000


@dataclass(frozen=True, slots=True)
class Reading:
    """The whole record, of all tenants."""

    operator: Database

    def entries(self, asked: Filter, cursor: str | None, limit: int) -> paging.Page[Mapping[str, Any]]:
        """A page of entries, newest first. Raises :class:`BadCursor`."""
        with self.operator.session() as session:
            rows = repository.entries(session, asked, paging.decode(cursor), limit + 1)
        return paging.page(rows, limit, [row["id"] for row in rows])

    def heads(self, after: int, limit: int) -> list[Head]:
        """Signed heads by number, from ``after``."""
        with self.operator.session() as session:
            return repository.heads(session, after, limit)

    def verify(self, kept: tuple[Head, ...] = ()) -> Verdict:
        """Walk the whole chain against the stored heads and those that were kept elsewhere."""
        with self.operator.session() as session:
            heads = [*repository.heads(session), *kept]  # first: the chain may grow while it is walked, heads must not
        verdict = verify(self._records(0, None), heads)
        if verdict.broken is not None:
            return verdict
        return Verdict(verdict.first, verdict.last, verdict.hash, verdict.heads, self._astray(verdict.last + 1))

    def export(self, since: datetime | None, until: datetime | None) -> Iterator[str]:
        """The lines of an export of what was sequenced in a time, and the heads over it. No transaction stays open."""
        with self.operator.session() as session:
            first, last = repository.span(session, since, until)
            heads = [head for head in repository.heads(session, first - 1) if head.seq <= last]
        yield from ocsf.lines(self._records(first - 1, last) if last else (), heads)

    def _records(self, after: int, last: int | None) -> Iterator[Record]:
        while last is None or after < last:
            with self.operator.session() as session:
                found = repository.records(session, after, PAGE if last is None else min(PAGE, last - after))
            if not found:
                return
            yield from found
            after = found[-1].link.seq

    def _astray(self, seq: int) -> Break | None:
        with self.operator.session() as session:
            outside, gone = repository.astray(session)
        if outside is not None:
            return Break(Kind.INSERTION, seq, str(outside), "this entry is not in the chain and does not wait for it")
        if gone is not None:
            return Break(Kind.DELETION, seq, str(gone), "this entry was removed before it was chained")
        return None


def count_of(session: Session, tenant: UUID) -> int:
    """How many entries there are of one tenant."""
    return repository.count(session, tenant)


def of_tenant(session: Session, tenant: UUID) -> Iterator[Mapping[str, Any]]:
    """All entries of one tenant, oldest first, each with its number in the chain."""
    yield from repository.of_tenant(session, tenant)
