"""Keeping drained records: the rows, their windows, and the audit's entries, all in one transaction.

A request's record is also the audit's: who asked which route, from where, with how many tokens; no content. Tenants
that are gone keep no audit, and must not hold up the records of others.
"""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from appliance.audit.origin import Origin
from appliance.audit.service import Act, record_all
from appliance.usage import repository
from appliance.usage.journal import UsageRecord


def keep(session: Session, batch: Sequence[UsageRecord]) -> int:
    """Keep records that were not kept yet, once by request id; how many those were.

    The windows come last: whoever leases of them waits until this transaction has ended.
    """
    new = repository.keep(session, batch)
    kept = [record for record in batch if record.request_id in new]
    there = repository.tenants_there(session, {record.tenant_id for record in kept})
    record_all(session, [_act(record) for record in kept if record.tenant_id in there])
    repository.charge(session, kept)
    return len(kept)


def _act(record: UsageRecord) -> Act:
    return Act(
        tenant=record.tenant_id,
        actor=record.user_id,
        action="inference",
        subject=record.request_id,
        outcome=record.outcome,
        came=Origin(record.asked, record.source),
        details={
            "key": record.key_id,
            "route": record.route,
            "model": record.model_digest,
            "adapter": record.adapter_digest,
            "tokens": record.prompt_tokens + record.completion_tokens,
            "at": record.started_at,
        },
    )
