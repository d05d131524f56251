"""XLSX, read as a stream of rows: each sheet a heading, each value as Excel would show its kind.

Values lie in the sheets as numbers; only styles tell a date or a per cent from a count. Formulas give the value that
was stored with them. Rows are read one by one, so a sheet needs no more memory than its text.
"""

import io
from collections.abc import Iterator, Sequence
from typing import Final

from lxml import etree

from appliance.knowledge.parsing import formats, grid
from appliance.knowledge.parsing.archive import Archive
from appliance.knowledge.parsing.errors import Damaged, TooMuchText
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.markup import checked, part, related, relation, titled, undeclared
from appliance.knowledge.parsing.numbers import General, Style, styles
from appliance.knowledge.parsing.parsed import Parsed
from appliance.knowledge.parsing.writer import Writer

_BOOK: Final = "xl/workbook.xml"
_COLUMNS: Final = 16_384
_LETTERS: Final = 26


def parse(archive: Archive, limits: ParseLimits) -> Parsed:
    """A workbook. Raises ArchiveBomb, Damaged, TooMuchText."""
    book = part(archive, _BOOK)
    parts = related(archive, _BOOK)
    shared = _shared(archive, limits)
    properties = book.find("{*}workbookPr")
    late = properties is not None and properties.get("date1904") in ("1", "true")
    looks = styles(part(archive, "xl/styles.xml"), late=late) if "xl/styles.xml" in archive.names else []
    writer = Writer(limits.text)
    for sheet in book.iterfind("{*}sheets/{*}sheet"):
        where = parts.get(relation(sheet), "")
        if where in archive.names and "worksheets" in where and sheet.get("state", "visible") == "visible":
            grid.sheet(writer, sheet.get("name") or "", _rows(archive, where, shared, looks))
    return writer.parsed(formats.XLSX, titled(archive), headed=False)


def _shared(archive: Archive, limits: ParseLimits) -> list[str]:
    """The texts that cells refer to by number."""
    texts = "xl/sharedStrings.xml"
    if texts not in archive.names:
        return []
    found: list[str] = []
    size = 0
    for item in _elements(archive, texts, "si"):
        found.append(_text(item))
        size += len(found[-1])
        if size > limits.text:
            raise TooMuchText(limits.text)
    return found


def _elements(archive: Archive, where: str, name: str) -> Iterator[etree._Element]:
    """The elements of this name one after the other, each forgotten behind it."""
    stream = etree.iterparse(
        io.BytesIO(archive.read(where)),
        events=("end",),
        tag=f"{{*}}{name}",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    with checked(where):
        for _, element in stream:
            undeclared(element, where)
            yield element
            element.clear()
            while (before := element.getprevious()) is not None:
                parent = before.getparent()
                if parent is None:
                    break
                parent.remove(before)


def _text(item: etree._Element) -> str:
    """A text and its runs; not how it is pronounced (rPh)."""
    parts: list[str] = []
    for one in item:
        if str(one.tag).endswith("}t"):
            parts.append(one.text or "")
        elif str(one.tag).endswith("}r"):
            parts += [run.text or "" for run in one.iterfind("{*}t")]
        elif str(one.tag).endswith("}is"):
            parts.append(_text(one))
    return "".join(parts)


def _rows(archive: Archive, where: str, shared: Sequence[str], looks: Sequence[Style]) -> Iterator[list[str]]:
    """The cells of each row in their columns; one empty row where rows are left out."""
    last = 0
    for row in _elements(archive, where, "row"):
        number = _number(row.get("r"), last + 1)
        if number > last + 1:
            yield []
        last = number
        cells: list[str] = []
        for cell in row.iterfind("{*}c"):
            column = _column(cell.get("r") or "", len(cells))
            cells.extend([""] * (column - len(cells)))
            cells.append(_shown(cell, shared, looks))
        yield cells


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < _LETTERS else otherwise


def _column(reference: str, otherwise: int) -> int:
    """The column of ``AB12``, from 0."""
    column = 0
    for letter in reference:
        if not "A" <= letter <= "Z":
            break
        column = column * _LETTERS + ord(letter) - ord("A") + 1
        if column > _COLUMNS:
            raise Damaged(f"a cell {reference[:20]}")
    return max(column - 1, otherwise) if column else otherwise


def _shown(cell: etree._Element, shared: Sequence[str], looks: Sequence[Style]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _text(cell)
    found = cell.find("{*}v")
    value = (found.text or "") if found is not None else ""
    match kind:
        case "s":
            place = _number(value, len(shared))
            return shared[place] if place < len(shared) else ""
        case "b":
            return {"1": "TRUE", "0": "FALSE"}.get(value, value)
        case "n":
            place = _number(cell.get("s"), 0)
            return (looks[place] if place < len(looks) else General()).shown(value)
        case _:  # the text of a formula, a date in ISO 8601, an error
            return value
