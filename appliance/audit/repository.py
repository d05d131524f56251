"""Questions and writes on entries, chain and heads. Written in SQL: the sequencer moves thousands of rows a second."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from appliance.audit.chain import Head, Link
from appliance.audit.entry import FIELDS, Entry, entry, moment
from appliance.audit.verifying import Record

LOCK = 0x61756469
"""The advisory lock of the sequencer: one at a time chains, however many workers there are."""

_COLUMNS = ", ".join(f"e.{name}" for name in FIELDS)
_LINK = "c.seq, c.entry_id, c.entry_digest, c.previous, c.hash, c.sequenced_at"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are asked for; None: any. ``since`` is the first moment, ``until`` the first no longer."""

    actor: UUID | None = None
    action: str | None = None
    outcome: str | None = None
    tenant: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def clause(self) -> tuple[str, dict[str, object]]:
        """The conditions and what is bound in them."""
        given = [
            ("e.actor = :actor", "actor", self.actor),
            ("e.action = :action", "action", self.action),
            ("e.outcome = :outcome", "outcome", self.outcome),
            ("e.tenant_id = :tenant", "tenant", self.tenant),
            ("e.created_at >= :since", "since", self.since),
            ("e.created_at < :until", "until", self.until),
        ]
        used = [(condition, name, value) for condition, name, value in given if value is not None]
        return " and ".join(["true", *(one[0] for one in used)]), {name: value for _, name, value in used}


def lock(session: Session, *, wait: bool) -> bool:
    """Be the sequencer until this transaction ends; False when another is and we do not wait."""
    if wait:
        session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOCK})
        return True
    return bool(session.execute(text("select pg_try_advisory_xact_lock(:key)"), {"key": LOCK}).scalar_one())


def last(session: Session) -> Link | None:
    """The newest link."""
    row = session.execute(text(f"select {_LINK} from audit_chain c order by seq desc limit 1")).mappings().first()  # noqa: S608 - our own columns
    return _link(row) if row else None


def waiting(session: Session, most: int) -> list[Entry]:
    """Entries that are committed and not chained, in the order of their ids."""
    statement = (
        f"select {_COLUMNS} from audit_waiting w join audit_entries e on e.id = w.entry_id order by 1 limit :most"  # noqa: S608 - our own columns
    )
    return [entry(dict(row)) for row in session.execute(text(statement), {"most": most}).mappings()]


def chain(session: Session, links: Sequence[Link]) -> None:
    """Write links, and take their entries from those that wait."""
    session.execute(
        text(
            "insert into audit_chain (seq, entry_id, entry_digest, previous, hash, sequenced_at) select * from unnest("
            "cast(:seq as bigint[]), cast(:entry as uuid[]), cast(:digest as text[]), cast(:previous as text[]), "
            "cast(:hash as text[]), cast(:at as timestamptz[]))"
        ),
        {
            name: [getattr(link, name) for link in links]
            for name in ("seq", "entry", "digest", "previous", "hash", "at")
        },
    )
    session.execute(
        text("delete from audit_waiting where entry_id = any(cast(:entries as uuid[]))"),
        {"entries": [link.entry for link in links]},
    )


def records(session: Session, after: int, most: int) -> list[Record]:
    """Links with their entries, by number, from ``after``."""
    statement = (
        f"select {_LINK}, {_COLUMNS} from audit_chain c left join audit_entries e on e.id = c.entry_id "  # noqa: S608 - our own columns
        "where c.seq > :after order by c.seq limit :most"
    )
    rows = session.execute(text(statement), {"after": after, "most": most}).mappings()
    return [Record(_link(row), entry(dict(row)) if row["id"] else None) for row in rows]


def span(session: Session, since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """The first and last number sequenced in a time (0, 0: none)."""
    row = session.execute(
        text(
            "select coalesce(min(seq), 0), coalesce(max(seq), 0) from audit_chain "
            "where (cast(:since as timestamptz) is null or sequenced_at >= :since) "
            "and (cast(:until as timestamptz) is null or sequenced_at < :until)"
        ),
        {"since": since, "until": until},
    ).one()
    return row[0], row[1]


def heads(session: Session, after: int = 0, most: int | None = None) -> list[Head]:
    """Signed heads by number."""
    rows = session.execute(
        text("select * from audit_heads where seq > :after order by seq limit :most"), {"after": after, "most": most}
    ).mappings()
    return [Head.of(dict(row)) for row in rows]


def last_head(session: Session) -> Head | None:
    """The newest head."""
    row = session.execute(text("select * from audit_heads order by seq desc limit 1")).mappings().first()
    return Head.of(dict(row)) if row else None


def keep_head(session: Session, head: Head) -> None:
    """Store a head."""
    session.execute(
        text("insert into audit_heads values (:seq, :hash, :time, :appliance, :key, :signature)"), head.document()
    )


def astray(session: Session) -> tuple[UUID | None, UUID | None]:
    """An entry that neither is chained nor waits; one that waits and is gone. One statement: one moment."""
    row = session.execute(
        text(
            """
            select (
                select e.id from audit_entries e
                where not exists (select from audit_chain c where c.entry_id = e.id)
                and not exists (select from audit_waiting w where w.entry_id = e.id) order by e.id limit 1
            ), (
                select w.entry_id from audit_waiting w
                where not exists (select from audit_entries e where e.id = w.entry_id) order by w.entry_id limit 1
            )
            """
        )
    ).one()
    return row[0], row[1]


def entries(session: Session, asked: Filter, before: UUID | None, most: int) -> list[Mapping[str, Any]]:
    """Entries, newest first, each with its number in the chain (None: it waits)."""
    conditions, bound = asked.clause()
    statement = (
        f"select {_COLUMNS}, c.seq from audit_entries e left join audit_chain c on c.entry_id = e.id "  # noqa: S608 - our own columns and conditions
        f"where {conditions} and (cast(:before as uuid) is null or e.id < :before) order by e.id desc limit :most"
    )
    return [dict(row) for row in session.execute(text(statement), {**bound, "before": before, "most": most}).mappings()]


def count(session: Session, tenant: UUID) -> int:
    """How many entries there are of one tenant."""
    statement = text("select count(*) from audit_entries where tenant_id = :tenant")
    return int(session.execute(statement, {"tenant": tenant}).scalar_one())


def of_tenant(session: Session, tenant: UUID) -> Iterator[Mapping[str, Any]]:
    """The entries of one tenant, oldest first, each with its number in the chain (None: it waits)."""
    statement = (
        f"select {_COLUMNS}, c.seq from audit_entries e left join audit_chain c on c.entry_id = e.id "  # noqa: S608 - our own columns
        "where e.tenant_id = :tenant order by e.id"
    )
    found = session.execute(text(statement).execution_options(yield_per=500), {"tenant": tenant})
    yield from (dict(row) for row in found.mappings())


def _link(row: Mapping[Any, Any]) -> Link:
    at = moment(row["sequenced_at"])
    return Link(row["seq"], str(row["entry_id"]), row["entry_digest"], row["previous"], row["hash"], at)
