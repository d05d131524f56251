"""Many rows as one parameter, a JSON text that the server takes apart: binding each value costs Python much more."""

from collections.abc import Sequence

from sqlalchemy import Column, Select, Table, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.functions import Function
from sqlalchemy.types import Text


def rows_of(table: Table, names: Sequence[str], told: bytes) -> Select[tuple[object, ...]]:
    """The rows in a JSON list of objects, their members of the types of the table's columns; what is missing is null.

    Members that are not named are passed over. A value that does not fit its column fails in the server.
    """
    taken: Function[object] = func.jsonb_to_recordset(literal(told.decode(), Text).cast(JSONB))
    columns = taken.table_valued(*(_bare(table, name) for name in names), name="told").render_derived(with_types=True)
    return select(*(columns.c[name] for name in names))


def _bare(table: Table, name: str) -> Column[object]:
    return Column(name, table.c[name].type)
