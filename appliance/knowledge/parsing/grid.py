"""Cells as tables: which row is the header, and where one table ends and the next begins. Pure.

A sheet holds what people put there: a title above, a table, an empty row, another table. Rows of one cell above a
wider one are text; the first wide row is the header; behind an empty row a row without numbers begins a new table.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from appliance.knowledge.parsing.writer import Writer, flat

_DIVIDER: Final = " | "


def write(writer: Writer, rows: Iterable[Sequence[str]]) -> None:
    """Append all rows. Cells stay in their columns: empty ones are kept but for those at the end."""
    headed = below = False  # whether a header stands above, and whether the row before was of this table
    for gap, cells, following in _with_next(_trimmed(row) for row in rows):
        new = gap and (not headed or _is_header(following))
        if new and len(cells) == 1 and _filled(following) > 1:
            writer.add("paragraph", cells[0])
            headed = below = False
            continue
        header = not headed or (gap and _filled(cells) > 1 and _is_header(cells))
        writer.add("header_row" if header else "row", _DIVIDER.join(cells), close=below and not header)
        headed = below = True


def sheet(writer: Writer, name: str, rows: Iterable[Sequence[str]]) -> None:
    """The same below the sheet's name; nothing for a sheet without values."""
    found = iter(rows)
    for first in found:
        if any(cell.strip() for cell in first):
            writer.add("heading", name, level=1)
            write(writer, chain([first], found))
            return


def _trimmed(row: Sequence[str]) -> list[str]:
    cells = [flat(cell) for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _filled(cells: Sequence[str]) -> int:
    return sum(map(bool, cells))


def _is_header(cells: Sequence[str]) -> bool:
    return not any(cell.lstrip("-+ ")[:1].isdigit() for cell in cells)


def _with_next(rows: Iterator[list[str]]) -> Iterator[tuple[bool, list[str], list[str]]]:
    """Each row that is not empty: whether an empty one or none stands above, the row, the one that follows or []."""
    before: list[str] = []
    gap, later = True, False
    for row in chain(rows, ([""],)):
        if not row:
            later = True
            continue
        if before:
            yield gap, before, row
            gap = later
        before, later = row, False
