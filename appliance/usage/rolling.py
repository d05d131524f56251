"""Hourly sums of the records, and the forgetting of what is old. Chores of the worker, for the ``system`` login.

A record is summed in the statement that marks it as summed: once, whoever runs at the same time, also when it comes
late. Hours begin as the tenant's clock does, so that its days and months are whole sums of them.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from appliance.kit import clock
from appliance.kit.settings import UsageSettings
from appliance.usage import repository

BATCH: Final = 20_000
NOBODY: Final = UUID(int=0)
"""Stands for no key: what is grouped by must compare equal."""
_ROLL: Final = text(
    """
    with moved as (
      update usage_records set rolled = true where request_id in (
        select request_id from usage_records where not rolled limit :batch for update skip locked
      ) returning *
    )
    insert into usage_hours as h
      (id, tenant_id, hour, user_id, key_id, route, model_digest, adapter_digest, requests, unfinished, prompt_tokens,
       completion_tokens, cached_tokens, queue_seconds, total_seconds, gpu_seconds)
    select gen_random_uuid(), m.tenant_id,
      date_trunc('hour', m.started_at, coalesce(t.settings ->> 'time_zone', 'UTC')),
      m.user_id, coalesce(m.key_id, :nobody), m.route, m.model_digest, coalesce(m.adapter_digest, ''),
      count(*), count(*) filter (where m.outcome <> 'done'), sum(m.prompt_tokens),
      sum(m.completion_tokens), sum(m.cached_tokens), sum(m.queue_seconds), sum(m.total_seconds), sum(m.gpu_seconds)
    from moved m left join tenants t on t.id = m.tenant_id
    group by m.tenant_id, date_trunc('hour', m.started_at, coalesce(t.settings ->> 'time_zone', 'UTC')), m.user_id,
      coalesce(m.key_id, :nobody), m.route, m.model_digest, coalesce(m.adapter_digest, '')
    on conflict (tenant_id, hour, user_id, key_id, route, model_digest, adapter_digest) do update set
      requests = h.requests + excluded.requests,
      unfinished = h.unfinished + excluded.unfinished,
      prompt_tokens = h.prompt_tokens + excluded.prompt_tokens,
      completion_tokens = h.completion_tokens + excluded.completion_tokens,
      cached_tokens = h.cached_tokens + excluded.cached_tokens,
      queue_seconds = h.queue_seconds + excluded.queue_seconds,
      total_seconds = h.total_seconds + excluded.total_seconds,
      gpu_seconds = h.gpu_seconds + excluded.gpu_seconds
    """
)


def roll_up(session: Session) -> None:
    """Sum the records that were not summed yet."""
    session.execute(_ROLL, {"batch": BATCH, "nobody": NOBODY})


def forget(session: Session, settings: UsageSettings) -> None:
    """Delete records, hours, windows and leases that nobody keeps any more."""
    now = clock.now()
    repository.forget_leases(session)
    repository.forget_windows(session, now - timedelta(days=settings.keep_records_days))
    repository.forget_records(session, now - timedelta(days=settings.keep_records_days))
    repository.forget_hours(session, now - timedelta(days=settings.keep_hours_days))
