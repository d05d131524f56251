"""Queries of reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from appliance.usage.tables import UsageHourRow, UsageRecordRow

_HIDDEN = ("tenant_id", "recorded_at", "rolled")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which usage is asked for: from ``since`` to before ``until``, of one user, key or route."""

    since: datetime | None = None
    until: datetime | None = None
    user: UUID | None = None
    key: UUID | None = None
    route: str | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """What records come to."""

    requests: int = 0
    unfinished: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    queue_seconds: float = 0.0
    total_seconds: float = 0.0
    gpu_seconds: float = 0.0


def records(
    session: Session, tenant: UUID, asked: Asked, after: UUID | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Records, newest first: ids are made as time goes."""
    row = UsageRecordRow
    columns = [column for column in row.__table__.columns if column.name not in _HIDDEN]
    query = select(*columns).where(row.tenant_id == tenant).order_by(row.request_id.desc()).limit(limit)
    if after is not None:
        query = query.where(row.request_id < after)
    return [dict(found) for found in session.execute(_of(query, asked, row.started_at, row)).mappings()]


def sums(session: Session, tenant: UUID, by: str, asked: Asked, zone: str) -> list[tuple[str, Sums]]:
    """Sums of hours by one thing: times in order, all else from the largest number of tokens down."""
    row = UsageHourRow
    name = _name(by, zone)
    added = [func.sum(getattr(row, field.name)).label(field.name) for field in fields(Sums)]
    query = select(name.label("name"), *added).where(row.tenant_id == tenant).group_by(name)
    tokens = func.sum(row.prompt_tokens + row.completion_tokens).desc()
    query = query.order_by(name if by in ("hour", "day", "month") else tokens, name)
    found = session.execute(_of(query, asked, row.hour, row)).mappings()
    return [(str(one["name"]), Sums(**{f.name: _plain(one[f.name], f.type) for f in fields(Sums)})) for one in found]


def waiting(session: Session, tenant: UUID) -> int:
    """Records of a tenant that are in no hour yet."""
    row = UsageRecordRow
    query = select(func.count()).select_from(row).where(row.tenant_id == tenant, ~row.rolled)
    return int(session.scalar(query) or 0)


def _of(
    query: Select[Any],
    asked: Asked,
    time: InstrumentedAttribute[datetime],
    row: type[UsageRecordRow] | type[UsageHourRow],
) -> Select[Any]:
    if asked.since is not None:
        query = query.where(time >= asked.since)
    if asked.until is not None:
        query = query.where(time < asked.until)
    for column, value in ((row.user_id, asked.user), (row.key_id, asked.key), (row.route, asked.route)):
        if value is not None:
            query = query.where(column == value)
    return query


def _name(by: str, zone: str) -> ColumnElement[str]:
    row = UsageHourRow
    forms = {"hour": "YYYY-MM-DD HH24:MI", "day": "YYYY-MM-DD", "month": "YYYY-MM"}
    if by in forms:
        return func.to_char(func.timezone(zone, row.hour), forms[by])
    columns: dict[str, Any] = {
        "user": row.user_id,
        "key": row.key_id,
        "route": row.route,
        "model": func.concat(row.model_digest, func.nullif(func.concat("+", row.adapter_digest), "+")),
    }
    return cast(columns[by], Text)


def _plain(value: Any, kind: Any) -> Any:  # noqa: ANN401 - a sum is a Decimal, whatever it sums
    return int(value) if kind in (int, "int") else float(value)
