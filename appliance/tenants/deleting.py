"""The job that deletes a tenant: wait until it is quiet, forget, look again, sign.

Each step is a transaction that holds the deletion's row, so two workers cannot be at one deletion; what a step removed
stands in the tally that it commits with. So whoever is killed, wherever, is followed by one who goes on.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.audit.service import Audit
from appliance.jobs.registry import Registry
from appliance.jobs.run import Run
from appliance.kit import clock
from appliance.kit.database import Database
from appliance.tenants import repository
from appliance.tenants.certificate import Signer
from appliance.tenants.deletions import DELETE
from appliance.tenants.errors import NothingToConfirm
from appliance.tenants.forgetting import Emptied, Forgetter, Left, NotYet, Quiet, left, tallied
from appliance.tenants.tables import TenantDeletionRow


@dataclass(frozen=True, slots=True)
class Tools:
    """What a deletion works with; ``entry`` fills it. ``forgetters`` in the order in which they are called."""

    system: Database
    quiet: Sequence[Quiet]
    forgetters: Sequence[Forgetter]
    signer: Signer
    kept: Callable[[Session, UUID], Mapping[str, int]]


Workbench = Callable[[], AbstractContextManager[Tools]]


class Deleting:
    """One run of the job."""

    def __init__(self, run: Run, tools: Tools) -> None:
        self._run = run
        self._tools = tools
        self._tenant = UUID(str(run.args["tenant"]))

    def __call__(self) -> Mapping[str, Any]:
        """Do it. The result is the tally."""
        if (done := self._done()) is not None:
            return done
        self._wait()
        total = len(self._tools.forgetters)
        for place, forgetter in enumerate(self._tools.forgetters):
            self._run.progress(place, total, forgetter.kind)
            self._forget(forgetter)
        self._run.progress(total, total, "certificate")
        return self._finish()

    def _done(self) -> Mapping[str, Any] | None:
        with self._tools.system.session() as session:
            row = repository.deletion(session, self._tenant)
            if row is None or row.confirmed_at is None:
                raise NothingToConfirm
            return row.tally if row.state == "done" else None

    def _wait(self) -> None:
        for quiet in self._tools.quiet:
            with self._tools.system.session() as session:
                reason = quiet(session, self._tenant)
            if reason is not None:
                raise NotYet(reason, retry_after=1)

    def _forget(self, forgetter: Forgetter) -> None:
        if isinstance(forgetter, Emptied):
            while self._batch(forgetter):
                self._run.check()
            return
        with self._tools.system.session() as session:
            row = self._row(session)
            if forgetter.kind not in row.tally:
                row.tally = {**row.tally, forgetter.kind: tallied(None, forgetter.names(self._tenant))}
        forgetter.remove(self._tenant)

    def _batch(self, rows: Emptied) -> bool:
        """One transaction; whether there may be more."""
        with self._tools.system.session() as session:
            row = self._row(session)
            gone = rows.step(session, self._tenant)
            if gone or rows.kind not in row.tally:
                row.tally = {**row.tally, rows.kind: tallied(row.tally.get(rows.kind), gone)}
        return bool(gone)

    def _finish(self) -> Mapping[str, Any]:
        """Look again at everything at one moment; then the certificate, the tombstone and the end, all or nothing."""
        with self._tools.system.session() as session:
            row = self._row(session)
            for forgetter in self._tools.forgetters:
                if came := left(forgetter, session, self._tenant):
                    raise Left(f"{came} of {forgetter.kind} came back")
            tenant = repository.tenant(session, self._tenant, lock=True)
            if tenant is None:
                raise Left("the tenant's row is gone")
            Audit(session, self._tenant, row.confirmed_by).record(
                "tenant.delete", self._tenant, kinds={kind: one["count"] for kind, one in row.tally.items()}
            )
            session.flush()
            row.certificate = self._tools.signer.sign(self._body(session, row))
            row.state = "done"
            tenant.name, tenant.settings = f"deleted {self._tenant}", {}
            tenant.state, tenant.version = "deleted", tenant.version + 1
            return row.tally

    def _body(self, session: Session, row: TenantDeletionRow) -> dict[str, Any]:
        return {
            "tenant": {"id": str(row.tenant), "name": row.name},
            "requested": {"at": _moment(row.requested_at), "by": str(row.requested_by)},
            "confirmed": {"at": _moment(row.confirmed_at), "by": str(row.confirmed_by)},
            "finished_at": _moment(clock.now()),
            "deleted": row.tally,
            "kept": dict(self._tools.kept(session, self._tenant)),
        }

    def _row(self, session: Session) -> TenantDeletionRow:
        row = repository.deletion(session, self._tenant, lock=True)
        if row is None or row.state != "confirmed":
            raise NothingToConfirm
        return row


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="microseconds")


def register(registry: Registry, workbench: Workbench) -> None:
    """Add the job. ``workbench`` opens what it works with when it runs, and closes it after."""

    def delete(run: Run) -> Mapping[str, Any]:
        with workbench() as tools:
            return Deleting(run, tools)()

    registry.add(DELETE, delete)
