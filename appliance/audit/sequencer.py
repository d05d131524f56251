"""Chains what was written, behind the writers, so that they never wait for each other: the worker calls it each second.

An entry waits by a row of ``audit_waiting`` that a trigger writes in the entry's own transaction: what commits late is
seen when it has committed, whatever its id and time. Links, their signed head and the end of the waiting are one
transaction under one advisory lock, so whoever dies leaves neither a gap nor a double.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from appliance.audit import repository
from appliance.audit.chain import Head, Link, Signer, follow
from appliance.audit.entry import Entry, moment
from appliance.audit.verifying import Record
from appliance.kit import clock, log
from appliance.kit.canonical import digest_of
from appliance.kit.database import Database
from appliance.kit.settings import AuditSettings

BATCH = 1_000
MOST_BATCHES = 20
"""In one call, so that the worker comes back to its sweep; the next call is a second away."""

_logger = log.get(__name__)
Told = Callable[[Sequence[Record], Head | None], object]


def _nobody(_records: Sequence[Record], _head: Head | None) -> None:
    """No sink is set."""


@dataclass(frozen=True, slots=True)
class Sequencer:
    """Chains entries of all tenants. ``told`` hears of each batch and head once they are committed."""

    system: Database
    signer: Signer
    settings: AuditSettings
    told: Told = _nobody
    batch: int = BATCH

    def once(self) -> int:
        """Chain what waits; how many. 0 also when another is at it."""
        done = 0
        for _ in range(MOST_BATCHES):
            chained, _head = self._step(wait=False, now=False)
            done += chained
            if chained < self.batch:
                break
        return done

    def head(self) -> Head | None:
        """Chain what waits and sign where the chain stands now; None: there is nothing yet."""
        while True:
            chained, head = self._step(wait=True, now=True)
            if chained < self.batch:
                return head

    def _step(self, *, wait: bool, now: bool) -> tuple[int, Head | None]:
        with self.system.session() as session:
            if not repository.lock(session, wait=wait):
                return 0, None
            records = self._chain(session)
            made, head = self._head(session, records[-1].link if records else None, now=now)
        if made:
            _logger.info("audit head", **made.document())
        if records or made:
            self.told(records, made)
        return len(records), head

    def _chain(self, session: Session) -> list[Record]:
        found = repository.waiting(session, self.batch)
        if not found:
            return []
        records = _follow(repository.last(session), found, clock.now())
        repository.chain(session, [record.link for record in records])
        return records

    def _head(self, session: Session, last: Link | None, *, now: bool) -> tuple[Head | None, Head | None]:
        """The head that was signed here, if it was due, and the newest there is."""
        newest = repository.last_head(session)
        last = last or repository.last(session)
        if last is None or (newest and newest.seq >= last.seq):
            return None, newest
        if not (now or self._due(newest, last)):
            return None, newest
        head = self.signer.head(last.seq, last.hash, moment(clock.now()))
        repository.keep_head(session, head)
        return head, head

    def _due(self, newest: Head | None, last: Link) -> bool:
        if newest is None or last.seq - newest.seq >= self.settings.head_entries:
            return True
        return abs((clock.now() - datetime.fromisoformat(newest.time)).total_seconds()) >= self.settings.head_seconds


def _follow(last: Link | None, found: Sequence[Entry], at: datetime) -> list[Record]:
    made, time = [], moment(at)
    for entry in found:
        last = follow(last, str(entry["id"]), digest_of(entry), time)
        made.append(Record(last, entry))
    return made
