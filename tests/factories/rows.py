"""A row of a tenant's own in every table that there is, made from the schema itself: a new table is filled by itself.

Written as the superuser, whom row security does not hold. Every text names whose it is, so that a leak shows in it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Connection, MetaData, Table, insert, select
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.types import Boolean, DateTime, Float, Integer, LargeBinary, Numeric, String, TypeEngine, Uuid

from appliance.kit.ids import uuid7
from migrations.policies import RULES

Row = dict[str, Any]
AT = datetime(2026, 11, 24, 8, tzinfo=UTC)
LATER = AT + timedelta(days=3650)
BETTER: Mapping[tuple[str, str], object] = {
    ("jobs", "state"): "succeeded",  # its stream of events ends
    ("documents", "state"): "ready",
    ("collections", "readers"): ["everyone"],
    ("collections", "retention"): None,
    ("collections", "retained_at"): None,
    ("collections", "reading"): {},
    ("revisions", "reading"): {},
    ("revisions", "recognised"): [],
    ("chunks", "recognised"): [],
    ("chunks", "placed"): [],
    ("citations", "boxes"): [],
    ("retention_runs", "rule"): {"days": 1, "since": "added", "until": None},
    ("retention_runs", "tally"): {},
    ("retention_runs", "unfinished"): [],
    ("documents", "readers"): ["everyone"],
    ("documents", "own_readers"): None,
    ("documents", "history"): [],
    ("documents", "tags"): [],
    ("documents", "projected_readers"): ["everyone"],
    ("users", "password_hash"): None,
    ("tenants", "settings"): {},
    ("sources", "kind"): "push",
    ("sources", "settings"): {"kind": "push"},
    ("sources", "readers"): None,
    ("directories", "settings"): {"issuer": "https://idp.test", "client_id": "a", "public_url": "https://a.test"},
    ("directory_links", "kind"): "scim",
    ("directory_links", "group_id"): None,
    ("messages", "sentences"): [],
    ("user_sessions", "idle_seconds"): 10**9,
    ("second_factors", "recovery"): [],
    ("invitations", "group_ids"): [],
    ("invitations", "role"): "member",
    ("tenant_exports", "sha256"): None,  # not written yet: there is no file behind the row
}
"""What a column holds where its type alone does not say it."""


@dataclass(slots=True)
class Planted:
    """What one tenant has. ``content`` is in the texts of tables that no operator reads, ``people`` in the others'."""

    tenant: UUID
    content: str
    people: str
    rows: dict[str, Row] = field(default_factory=dict)
    borrowed: set[object] = field(default_factory=set)
    """Ids of the appliance that these rows refer to: everybody may know them."""

    @property
    def ids(self) -> dict[str, UUID]:
        """The id of the row of each table that has ids."""
        return {table: row["id"] for table, row in self.rows.items() if isinstance(row.get("id"), UUID)}


def tenant_tables(tables: MetaData) -> list[Table]:
    """The tables with rows of tenants, what is referred to first; ``tenants`` itself is not among them."""
    return [table for table in tables.sorted_tables if "tenant_id" in table.columns]


def plant(connection: Connection, tables: MetaData, planted: Planted) -> None:
    """Fill ``planted.rows``: a row in every tenant table that has none of them yet."""
    for table in tenant_tables(tables):
        if table.name in planted.rows:
            continue
        choices = _choices(table)
        row = {
            column.name: _value(connection, column, planted, choices)
            for column in table.columns
            if not _numbered(column)
        }
        connection.execute(insert(table).values(row))
        planted.rows[table.name] = row


def _numbered(column: Column[Any]) -> bool:
    return column.identity is not None or "nextval" in str(getattr(column.server_default, "arg", ""))


def _choices(table: Table) -> dict[str, str]:
    """Of columns that take but some words, the first of these."""
    found = {}
    for check in table.constraints:
        if isinstance(check, CheckConstraint):
            match = re.match(r"\W*(\w+)\W.*?= ANY \(+ARRAY\['(\w+)'", str(check.sqltext))
            if match:
                found[match[1]] = match[2]
    return found


def _value(connection: Connection, column: Column[Any], planted: Planted, choices: Mapping[str, str]) -> object:
    table, name = column.table.name, column.name
    if (table, name) in BETTER:
        return BETTER[table, name]
    if name == "tenant_id":
        return planted.tenant
    for key in column.foreign_keys:
        other = planted.rows.get(key.column.table.name)
        if other is not None:
            return other[key.column.name]
        if key.column.table.name not in (table, "tenants"):  # of the appliance, which has some already
            planted.borrowed.add(value := connection.execute(select(key.column).limit(1)).scalar())
            return value
    meant = "users" if name in ("actor", "begun_by") else f"{name.removesuffix('_id')}s"
    if isinstance(column.type, Uuid) and meant in planted.rows:
        return planted.rows[meant]["id"]
    return choices.get(name) or _of_type(column, planted)


def _of_type(column: Column[Any], planted: Planted) -> object:
    kind, table = column.type, column.table.name
    marker = planted.people if "select" in RULES[table].operator else planted.content
    made: tuple[tuple[tuple[type[TypeEngine[Any]], ...], object], ...] = (
        ((Uuid,), uuid7()),
        ((DateTime,), None if column.nullable else LATER if column.name == "expires_at" else AT),
        ((Boolean,), False),
        ((Integer, Float, Numeric), 1),
        ((LargeBinary,), planted.tenant.bytes + uuid7().bytes),
        ((pg.JSONB, pg.JSON), {"told": marker}),
        ((pg.ARRAY,), [marker]),
        ((String,), f"{marker} {column.name}"[: getattr(kind, "length", None) or 200]),
    )
    for kinds, value in made:
        if isinstance(kind, kinds):
            return value
    message = f"say in BETTER how {table}.{column.name} of {kind!r} is filled"
    raise LookupError(message)
