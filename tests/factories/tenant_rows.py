"""A row in every table of a tenant, made from the tables' own descriptions: a table that is added has one too."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from appliance.kit import clock
from appliance.kit.database import Base
from appliance.kit.ids import uuid7
from migrations.policies import KEPT

Connection = psycopg.Connection[Any]

CHOICE = re.compile(r"(\w+) in \('(\w+)'")
NEEDED = {"directory_links": ("user_id",)}
"""Columns that may be null, but not all of them."""

VALUES: list[tuple[type, Callable[[], object]]] = [
    (Uuid, uuid7),
    (Boolean, lambda: False),
    (Integer, lambda: 1),
    (Float, lambda: 1.0),
    (DateTime, clock.now),
    (LargeBinary, lambda: uuid7().bytes),
    (JSONB, lambda: Jsonb({})),
    (ARRAY, list),
    (String, lambda: f"some {uuid7()}"),
]


def tenant_tables() -> list[Table]:
    """Every table with a tenant whose rows end with it, parents first."""
    return [t for t in Base.metadata.sorted_tables if "tenant_id" in t.columns and t.name not in KEPT]


def counts(connection: Connection, tenant: UUID) -> dict[str, int]:
    """How many rows each of them has of this tenant."""
    query = sql.SQL("select count(*) from {} where tenant_id = %s")
    found = {}
    for table in tenant_tables():
        row = connection.execute(query.format(sql.Identifier(table.name)), (tenant,)).fetchone()
        found[table.name] = row[0] if row else 0
    return found


def fill(connection: Connection, tenant: UUID) -> dict[str, int]:
    """Write a row for this tenant into each of its tables that has none; how many each has then."""
    before = counts(connection, tenant)
    for table in tenant_tables():
        if not before[table.name]:
            _insert(connection, table, tenant)
    return counts(connection, tenant)


def _insert(connection: Connection, table: Table, tenant: UUID) -> None:
    values, chosen = _references(connection, table, tenant), _chosen(table)
    for column in table.columns:
        if column.name not in values and _wanted(column):
            values[column.name] = chosen.get(column.name) or _value(column)
    connection.execute(
        sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(table.name),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(sql.Placeholder() * len(values)),
        ),
        list(values.values()),
    )


def _wanted(column: Column[Any]) -> bool:
    return not (column.nullable or column.server_default is not None or column.identity is not None)


def _references(connection: Connection, table: Table, tenant: UUID) -> dict[str, Any]:
    """The columns that refer to other rows, and those rows' keys: the tenant's, or any of the appliance's."""
    values: dict[str, Any] = {"tenant_id": tenant} if "tenant_id" in table.columns else {}
    for key in table.foreign_key_constraints:
        pairs = [(one.parent.name, one.column.name) for one in key.elements if one.parent.name != "tenant_id"]
        mine = [name for name, _ in pairs]
        needed = set(mine) & set(NEEDED.get(table.name, ()))
        if pairs and (needed or not all(table.columns[name].nullable for name in mine)):
            found = _key(connection, key.referred_table, [theirs for _, theirs in pairs], tenant)
            values |= dict(zip(mine, found, strict=True))
    return values


def _key(connection: Connection, table: Table, columns: list[str], tenant: UUID) -> tuple[Any, ...]:
    """Columns of a row of the tenant, or of the appliance; made where there is none."""
    theirs = sql.SQL("tenant_id = %s") if "tenant_id" in table.columns else sql.SQL("%s is not null")
    query = sql.SQL("select {} from {} where {} limit 1").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(table.name), theirs
    )
    while (found := connection.execute(query, (tenant,)).fetchone()) is None:
        _insert(connection, table, tenant)
    return tuple(found)


def _chosen(table: Table) -> dict[str, str]:
    """The first of those values that a column's check names."""
    checks = [str(check.sqltext) for check in table.constraints if isinstance(check, CheckConstraint)]
    return {found.group(1): found.group(2) for check in checks if (found := CHOICE.search(check))}


def _value(column: Column[Any]) -> object:
    return next(make() for kind, make in VALUES if isinstance(column.type, kind))
