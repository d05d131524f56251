"""Rings after the commit: a job's row is there before its bell, and a dead broker is nobody's error."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.orm import Session

from appliance.drivers.broker import Bell, BrokerDown
from appliance.kit import log

_ASKED = "appliance.jobs.asked"
MOST = 8
"""Rings for a tenant's jobs that wait: a thousand files need no thousand, since each worker goes on to the next job."""

_logger = log.get(__name__)


def remember(session: Session, job: UUID) -> None:
    """Ring for this job once the session has committed."""
    session.info.setdefault(_ASKED, []).append(job)


def ring_after_commit(bell: Bell) -> Callable[[], None]:
    """From now on every session of this process rings ``bell``; for a composition root. The result takes it back."""

    def ring(session: Session) -> None:
        if not session.in_nested_transaction():
            try_ring(bell, session.info.pop(_ASKED, [])[:MOST])

    def forget(session: Session) -> None:
        if not session.in_nested_transaction():
            session.info.pop(_ASKED, None)

    event.listen(Session, "after_commit", ring)
    event.listen(Session, "after_rollback", forget)

    def stop() -> None:
        event.remove(Session, "after_commit", ring)
        event.remove(Session, "after_rollback", forget)

    return stop


def try_ring(bell: Bell, jobs: list[UUID] | tuple[UUID, ...]) -> int:
    """Ring for each; how many rings went out before the broker failed, if it did."""
    for count, job in enumerate(jobs):
        try:
            bell.ring(job)
        except BrokerDown as error:
            _logger.warning("bell not rung; the sweep will", reason=error.detail, waiting=len(jobs) - count)
            return count
    return len(jobs)
