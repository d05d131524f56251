"""Many rows at once: brought as one parameter, and taken away some at a time."""

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import Column, ColumnElement, Select, Table, delete, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.functions import Function
from sqlalchemy.types import Text

T = TypeVar("T")


def rows_of(table: Table, names: Sequence[str], told: bytes) -> Select[tuple[object, ...]]:
    """The rows in a JSON list of objects, their members of the types of the table's columns; what is missing is null.

    One parameter, which the server takes apart: binding each value costs Python much more.
    Members that are not named are passed over. A value that does not fit its column fails in the server.
    """
    taken: Function[object] = func.jsonb_to_recordset(literal(told.decode(), Text).cast(JSONB))
    columns = taken.table_valued(*(_bare(table, name) for name in names), name="told").render_derived(with_types=True)
    return select(*(columns.c[name] for name in names))


def take_away(session: Session, key: InstrumentedAttribute[T], old: ColumnElement[bool], most: int) -> int:
    """Delete up to ``most`` rows that are old, known by their key; how many went. One renewed at this moment stays."""
    some = select(key).where(old).limit(most)
    return len(session.execute(delete(key.class_).where(old, key.in_(some)).returning(key)).all())


def _bare(table: Table, name: str) -> Column[object]:
    return Column(name, table.c[name].type)
