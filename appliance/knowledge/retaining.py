"""The job ``knowledge.retain``: forgets what a collection's rule says is due, unless it is held, and signs what went.

What went is counted in the transaction that hides a document, so the certificate misses none, whoever is killed; what
was hidden and not yet forgotten stands in the run's row, and whoever comes after begins with it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance.access.principal import TenantId
from appliance.audit.service import Audit
from appliance.drivers.blobs import Blobs
from appliance.jobs.run import Run
from appliance.jobs.service import Jobs
from appliance.kit import clock
from appliance.knowledge.forgetting import Forget, Forgetter
from appliance.knowledge.repository import Documents
from appliance.knowledge.retention import Rule, expired, rule_of
from appliance.knowledge.tables import CollectionRow, RetentionRunRow
from appliance.tenants.certificate import Signer
from appliance.tenants.forgetting import tallied

RETAIN: Final = "knowledge.retain"
PAUSE: Final = timedelta(days=1)
_AT_ONCE: Final = 100


def due(session: Session) -> int:
    """A chore of the ``system`` login: ask for the job of each collection with a rule, once a day; how many."""
    now = clock.now()
    waiting = CollectionRow.retention.is_not(None) & (
        CollectionRow.retained_at.is_(None) | (CollectionRow.retained_at < now - PAUSE)
    )
    query = select(CollectionRow.tenant_id, CollectionRow.id).where(waiting).with_for_update(skip_locked=True)
    rows = session.execute(query).all()
    for row in rows:
        session.execute(update(CollectionRow).where(CollectionRow.id == row.id).values(retained_at=now))
        args = {"collection": str(row.id)}
        Jobs(session, TenantId(row.tenant_id)).ask(RETAIN, args, f"retain:{row.id}", outlives=True)
    return len(rows)


class Retain:
    """One attempt at one collection."""

    def __init__(self, run: Run, blobs: Blobs, forgetters: Sequence[Forgetter], signer: Signer) -> None:
        self._run = run
        self._forget = Forget(run, blobs, forgetters)
        self._signer = signer
        self._collection = UUID(str(run.args["collection"]))

    def __call__(self) -> Mapping[str, Any]:
        """Do it. The result counts; the certificate stands in the run's row, where anything went."""
        with self._run.transaction() as session:
            rule = rule_of(session, self._collection)
            unfinished = self._unfinished(session)
        for document in unfinished:
            self._everywhere(document)
        if rule is None:
            return self._end(None, 0)
        passed = set[UUID]()
        done = 0
        while page := self._page(rule, passed):
            for document in page:
                if self._hidden(rule, document):
                    self._everywhere(document)
                    done += 1
                else:
                    passed.add(document)
                self._run.progress(done, None, "forgetting")
        return self._end(rule, len(passed))

    def _page(self, rule: Rule, passed: set[UUID]) -> list[UUID]:
        with self._run.transaction() as session:
            due = expired(self._collection, rule).subquery()
            query = select(due.c.id).where(due.c.id.not_in(passed)).order_by(due.c.id).limit(_AT_ONCE)
            return list(session.execute(query).scalars())

    def _hidden(self, rule: Rule, document: UUID) -> bool:
        """Hide it and count it, in one transaction; False for what is held, or not due any more."""
        with self._run.transaction() as session:
            documents = Documents(session, self._run.tenant)
            row = documents.lock(document)
            if row is None or row.held_at is not None:
                return False
            query = expired(self._collection, rule).subquery()
            if session.execute(select(query.c.id).where(query.c.id == document)).one_or_none() is None:
                return False
            contents = documents.contents(document)
            documents.set(document, state="deleting", access_changed_at=clock.now())
            run = self._row(session, rule)
            run.tally = {
                "documents": tallied(run.tally.get("documents"), [str(document)]),
                "contents": tallied(run.tally.get("contents"), sorted(contents)),
            }
            run.unfinished = [*run.unfinished, document]
            Audit(session, self._run.tenant, None).record("document.expire", document, collection=self._collection)
            return True

    def _everywhere(self, document: UUID) -> None:
        self._forget.everywhere(document)
        with self._run.transaction() as session:
            left = func.array_remove(RetentionRunRow.unfinished, document)
            session.execute(update(RetentionRunRow).where(RetentionRunRow.id == self._run.job).values(unfinished=left))

    def _unfinished(self, session: Session) -> list[UUID]:
        found = select(RetentionRunRow.unfinished).where(RetentionRunRow.id == self._run.job)
        return list(session.execute(found).scalar_one_or_none() or ())

    def _row(self, session: Session, rule: Rule) -> RetentionRunRow:
        values = {"id": self._run.job, "tenant_id": self._run.tenant, "collection_id": self._collection}
        session.execute(insert(RetentionRunRow).values(**values, rule=rule.stored()).on_conflict_do_nothing())
        found = select(RetentionRunRow).where(RetentionRunRow.id == self._run.job).with_for_update()
        return session.execute(found.execution_options(populate_existing=True)).scalar_one()

    def _end(self, rule: Rule | None, held: int) -> Mapping[str, Any]:
        with self._run.transaction() as session:
            found = select(RetentionRunRow).where(RetentionRunRow.id == self._run.job).with_for_update()
            row = session.execute(found).scalar_one_or_none()
            if row is None:
                return {"documents": 0, "held": held}
            row.ended_at, row.held = clock.now(), held
            row.certificate = self._signer.sign(self._body(row))
            gone = row.tally["documents"]
            Audit(session, self._run.tenant, None).record(
                "collection.retain", self._collection, documents=gone["count"], digest=gone["digest"], held=held
            )
            return {"documents": gone["count"], "held": held, "rule": rule.stored() if rule else None}

    def _body(self, row: RetentionRunRow) -> dict[str, Any]:
        return {
            "tenant": {"id": str(self._run.tenant)},
            "collection": {"id": str(self._collection)},
            "rule": row.rule,
            "begun_at": _moment(row.begun_at),
            "finished_at": _moment(row.ended_at),
            "deleted": row.tally,
            "kept": {"documents under hold or changed meanwhile": row.held},
        }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="microseconds")
