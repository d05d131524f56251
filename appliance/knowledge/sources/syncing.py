"""The job ``source.sync``: look through a source, take what is new or changed, forget what is gone. Or only tell.

Each thing is a transaction of its own, guarded by the job's token, so a run may be killed anywhere and begun again:
what it took is known. Nothing is deleted unless the listing came to its end and saw everything. Progress and result
hold counts, no names: whoever sees jobs need not know what the source holds; the source's log has them.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.drivers.blobs import Blobs
from appliance.drivers.sources.port import NOT_FETCHED, Connector, Entry, ItemRefused, Skip, SourceUnreachable
from appliance.jobs.job import Ended
from appliance.jobs.run import Run
from appliance.jobs.states import State
from appliance.kit import clock
from appliance.kit.errors import Conflict, Refused, TooLarge
from appliance.knowledge.sources import repository
from appliance.knowledge.sources.connectors import Opening
from appliance.knowledge.sources.deciding import Act, Decision, Known, Rules, decide
from appliance.knowledge.sources.errors import NothingFound, SourcePaused
from appliance.knowledge.sources.settings import groups_of
from appliance.knowledge.sources.tables import SourceItemRow
from appliance.knowledge.sources.taking import GONE, Taking, entries_of

_AT_ONCE: Final = 200
_IN_A_ROW: Final = 5
_MOMENT: Final = 2.0
_LATER: Final = 5.0
"""Seconds after which what was still being written is looked at again."""
_TOO_MANY: Final = "the source holds more than is taken from one; what is beyond is left out, and nothing is deleted"


@dataclass(frozen=True, slots=True)
class Tools:
    """What a sync works with."""

    blobs: Blobs
    largest: int
    most: int
    open: Callable[[Session, UUID], Opening]
    connect: Callable[[Opening], Connector]


class Sync:
    """One run."""

    def __init__(self, run: Run, tools: Tools) -> None:
        self._run = run
        self._tools = tools
        self._source = UUID(str(run.args["source"]))
        self._dry = bool(run.args.get("dry"))
        self._done: Counter[str] = Counter()
        self._seen: set[bytes] = set()
        self._lists: dict[frozenset[str], tuple[str, ...]] = {}
        self._began = clock.now()
        self._lost = 0

    def __call__(self) -> Mapping[str, Any]:
        """Do it. Raises SourceNotFound, SourcePaused, SourceUnreachable, NothingFound, NoRoomLeft."""
        with self._run.transaction() as session:
            opening = self._tools.open(session, self._source)
            self._own = self._readers_of(session)
            if self._dry:
                repository.forget_dry(session, self._source)
        self._mapping = groups_of(opening.settings)
        self._rules = Rules(opening.settings.include, opening.settings.exclude, self._tools.largest)
        with closing(self._tools.connect(opening)) as connector:
            self._run.progress(0, None, "looking")
            whole = self._look(connector)
        if whole:
            self._missing()
        self._end()
        return {"dry": self._dry, "complete": whole, **self._done}

    def _look(self, connector: Connector) -> bool:
        """Take what is to be taken; whether everything was seen."""
        for batch in self._batches(connector.entries()):
            if len(self._seen) + len(batch) > self._tools.most:
                self._run.log(_TOO_MANY, "warning", most=self._tools.most)
                return False
            self._seen.update(repository.key_of(entry.external) for entry in batch)
            with self._run.transaction() as session:
                decided = list(self._decided(session, batch))
            for entry, decision, readers in decided:
                self._carry_out(connector, entry, decision, readers)
            self._run.progress(len(self._seen), None, "telling" if self._dry else "taking")
        return connector.complete

    def _batches(self, entries: Iterator[Entry]) -> Iterator[list[Entry]]:
        """So many that a question to the database pays, and no more than came in a moment: a crawl is slow."""
        batch: list[Entry] = []
        began = clock.monotonic()
        for entry in entries:
            self._run.check()
            batch.append(entry)
            if len(batch) >= _AT_ONCE or clock.monotonic() - began > _MOMENT:
                yield batch
                batch, began = [], clock.monotonic()
        if batch:
            yield batch

    def _decided(
        self, session: Session, batch: list[Entry]
    ) -> Iterator[tuple[Entry, Decision, tuple[str, ...] | None]]:
        known = repository.items(session, self._source, map(repository.key_of, (entry.external for entry in batch)))
        for entry in batch:
            readers = self._own
            if entry.groups is not None:
                readers = self._lists.get(entry.groups)
                if readers is None:
                    readers = entries_of(session, self._run.tenant, entry.groups, self._mapping)
                    self._lists[entry.groups] = readers
            before = _known(known.get(repository.key_of(entry.external)))
            yield entry, decide(entry, before, readers, self._rules), readers

    def _carry_out(
        self, connector: Connector, entry: Entry, decision: Decision, readers: tuple[str, ...] | None
    ) -> None:
        self._run.check()
        if decision.act is Act.UNCHANGED or (decision.told and not self._dry):
            self._done[decision.act] += 1
        elif self._dry:
            with self._run.transaction() as session:
                self._taking(session).log(entry, decision, dry=True)
            self._done[decision.act] += 1
        elif decision.act in (Act.TAKEN, Act.UPDATED):
            self._take(connector, entry, decision, readers)
        else:
            with self._run.transaction() as session:
                self._done[self._settle(self._taking(session), entry, decision, readers)] += 1

    def _settle(self, taking: Taking, entry: Entry, decision: Decision, readers: tuple[str, ...] | None) -> Act:
        if decision.act is Act.SHARED:
            taking.share(entry, readers)
        elif decision.act is Act.DELETED:
            return taking.delete(entry.external, decision.skip or GONE) or Act.SKIPPED
        else:
            taking.leave(entry, decision)
        return decision.act

    def _take(self, connector: Connector, entry: Entry, decision: Decision, readers: tuple[str, ...] | None) -> None:
        tools = self._tools
        try:
            with connector.fetch(entry) as content:
                staged = tools.blobs.stage(self._run.tenant, content, tools.largest)
        except ItemRefused as refused:
            self._leave(entry, refused.skip)
            return
        except TooLarge as error:
            self._leave(entry, Skip(error.code, error.detail))
            return
        try:
            with self._run.transaction() as session:
                taken = self._taking(session).take(entry, staged, tools.blobs, readers)
            self._lost = 0
            self._done[Act.UNCHANGED if taken.unchanged else decision.act] += 1
        except (Refused, Conflict) as error:
            if isinstance(error, SourcePaused):
                raise
            self._leave(entry, Skip(error.code, error.detail, "wait" if error.code == "document_busy" else "fail"))
        finally:
            tools.blobs.drop(staged)

    def _leave(self, entry: Entry, skip: Skip) -> None:
        self._lost = self._lost + 1 if skip.code == NOT_FETCHED else 0
        decision = Decision(Act.WAITING if skip.how == "wait" else Act.FAILED, skip)
        with self._run.transaction() as session:
            self._taking(session).leave(entry, decision)
        self._done[decision.act] += 1
        if self._lost >= _IN_A_ROW:
            raise SourceUnreachable(f"{self._lost} things in a row did not come; the last one: {skip.reason}")

    def _missing(self) -> None:
        """Forget what the source has no more. Raises NothingFound where that would be all."""
        with self._run.transaction() as session:
            before = repository.present(session, self._source)
        if before and not self._seen:
            raise NothingFound
        gone = [name for key, name in before.items() if key not in self._seen]
        for done, name in enumerate(gone):
            with self._run.transaction() as session:
                taking = self._taking(session)
                if self._dry:
                    taking.log(Entry(name, name, ""), Decision(Act.DELETED, GONE), dry=True)
                act = Act.DELETED if self._dry else taking.delete(name)
            self._done.update([act] if act else [])
            self._run.progress(done + 1, len(gone), "forgetting")

    def _end(self) -> None:
        if self._dry:
            return
        with self._run.transaction() as session:
            row = repository.source(session, self._source, lock=True)
            if row is None:
                return
            row.synced_at, row.reason_code, row.reason = clock.now(), None, None
            changed = row.touched_at is not None and row.touched_at >= self._began
            if self._done[Act.WAITING] or changed:
                soon = clock.now() + timedelta(seconds=_LATER)
                row.due_at = soon if row.due_at is None else min(row.due_at, soon)

    def _taking(self, session: Session) -> Taking:
        return Taking.of(session, self._run.tenant, self._source, self._run.job)

    def _readers_of(self, session: Session) -> tuple[str, ...] | None:
        row = repository.source(session, self._source)
        return None if row is None or row.readers is None else tuple(row.readers)


def _known(row: SourceItemRow | None) -> Known | None:
    if row is None:
        return None
    readers = None if row.readers is None else tuple(row.readers)
    return Known(row.state, row.token, row.document_id, readers, row.reason_code)


def ended(session: Session, job: Ended) -> None:
    """Told in the transaction that ends the job: a source whose sync failed says so, with the reason."""
    if job.state is State.SUCCEEDED or job.args.get("dry"):
        return
    row = repository.source(session, UUID(str(job.args["source"])), lock=True)
    if row is not None:
        told = (job.reason.code, job.reason.detail) if job.reason else ("cancelled", "The sync was cancelled.")
        row.reason_code, row.reason = told
