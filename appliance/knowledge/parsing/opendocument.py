"""ODT, ODS and ODP: one content tree for all three. Cells are taken as they are shown, so dates and per cents are too.

Deleted text that is still tracked, comments and generated indexes are left out; notes follow the paragraph that bears
them. Cells and rows are stored once with how often they repeat: that is believed up to what a document needs.
"""

from collections.abc import Iterator
from typing import Final

from lxml import etree

from appliance.knowledge.parsing import formats, grid
from appliance.knowledge.parsing.archive import Archive
from appliance.knowledge.parsing.errors import Damaged, Encrypted
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.markup import part, titles
from appliance.knowledge.parsing.parsed import Parsed
from appliance.knowledge.parsing.writer import Writer, flat

_NAMES: Final = "urn:oasis:names:tc:opendocument:xmlns:"
_T, _TABLE, _DRAW = (f"{{{_NAMES}{one}:1.0}}" for one in ("text", "table", "drawing"))
_OFFICE, _PRESENTATION = (f"{{{_NAMES}{one}:1.0}}" for one in ("office", "presentation"))
_ASIDE: Final = frozenset(
    [_T + name for name in ("tracked-changes", "note", "table-of-content", "alphabetical-index", "ruby-text")]
    + [_OFFICE + "annotation", _OFFICE + "forms", _TABLE + "shapes", _T + "sequence-decls", _DRAW + "glue-point"]
)
_SIGNS: Final = {_T + "tab": "\t", _T + "line-break": "\n"}
_PASSED_OVER: Final = frozenset(["date-time", "footer", "page-number", "header"])
_COLUMNS: Final = 1024
_ROWS: Final = 1000
_SPACES: Final = 100


def parse(archive: Archive, media_type: str, limits: ParseLimits) -> Parsed:
    """An OpenDocument file. Raises Encrypted, ArchiveBomb, Damaged, TooMuchText."""
    manifest = "META-INF/manifest.xml"
    if manifest in archive.names and b"encryption-data" in archive.read(manifest):
        raise Encrypted
    body = part(archive, "content.xml").find(f"{_OFFICE}body")
    if body is None:
        raise Damaged("content.xml has no body")
    title = ""
    if "meta.xml" in archive.names:
        title = titles(part(archive, "meta.xml"))
    writer = Writer(limits.text)
    _Content(writer).read(body)
    return writer.parsed(media_type, title, headed=media_type != formats.ODS)


class _Content:
    """Writes what stands in a body, in order."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._in_list = False
        self._heading = False

    def read(self, body: etree._Element) -> None:
        """Write everything below ``body``, with a stack of our own."""
        stack = [body]
        while stack:
            one = stack.pop()
            if one.tag in _ASIDE or one.get(_PRESENTATION + "class") in _PASSED_OVER:
                continue
            if one.tag in (_T + "p", _T + "h"):
                self._paragraph(one)
                stack.extend(reversed([found for note in one.iter(_T + "note-body") for found in note]))
            elif one.tag == _TABLE + "table":
                self._table(one)
            else:
                if one.tag == _DRAW + "page":
                    self._page(one)
                stack.extend(reversed(one))

    def _page(self, page: etree._Element) -> None:
        """A slide; its title is a heading wherever it stands among the shapes."""
        self._writer.page()
        for frame in list(page.iterfind(f"{_DRAW}frame[@{_PRESENTATION}class='title']")):
            self._add("heading", flat(" ".join(_text(one) for one in frame.iter(_T + "p"))), 1)
            page.remove(frame)

    def _paragraph(self, element: etree._Element) -> None:
        text = "\n".join(line for line in map(flat, _text(element).split("\n")) if line)
        if element.tag == _T + "h":
            level = element.get(_T + "outline-level", "1")
            self._add("heading", flat(text), int(level) if level.isdecimal() and len(level) == 1 else 1)
        else:
            item = any(above.tag == _T + "list-item" for above in element.iterancestors())
            self._add("item" if item else "paragraph", text, 0)

    def _add(self, kind: str, text: str, level: int) -> None:
        if kind == "heading":
            self._writer.add("heading", text, level=level)
        elif kind == "item":
            self._writer.add("item", text, close=self._in_list)
        else:
            self._writer.add("paragraph", text)
        self._in_list = kind == "item"

    def _table(self, table: etree._Element) -> None:
        """A sheet's name is a heading; a table in a text has a name that nobody sees."""
        parent = table.getparent()
        self._in_list = False
        if parent is not None and parent.tag == _OFFICE + "spreadsheet":
            grid.sheet(self._writer, table.get(_TABLE + "name") or "", _rows(table))
        else:
            grid.write(self._writer, _rows(table))


def _rows(table: etree._Element) -> Iterator[list[str]]:
    for row in table.iter(_TABLE + "table-row"):
        if next(row.iterancestors(_TABLE + "table")) is not table:
            continue
        cells: list[str] = []
        for cell in row.iterchildren(_TABLE + "table-cell", _TABLE + "covered-table-cell"):
            text = " ".join(_text(one) for one in cell.iter(_T + "p", _T + "h"))
            cells += [text] * min(_times(cell, "number-columns-repeated"), _COLUMNS - len(cells))
        times = _times(row, "number-rows-repeated") if any(cells) else 1
        for _ in range(min(times, _ROWS)):
            yield cells


def _times(element: etree._Element, name: str) -> int:
    value = element.get(_TABLE + name, "1")
    return int(value) if value.isdecimal() and len(value) <= len(str(_ROWS * _ROWS)) else 1


def _text(element: etree._Element) -> str:
    """The visible text of a paragraph, without its notes."""
    parts: list[str] = []
    stack: list[etree._Element | str] = [element]
    while stack:
        one = stack.pop()
        if isinstance(one, str):
            parts.append(one)
        elif one.tag == _T + "s":
            count = one.get(_T + "c", "1")
            parts.append(" " * (min(int(count), _SPACES) if count.isdecimal() and len(count) < _SPACES else 1))
        elif one.tag in _SIGNS:
            parts.append(_SIGNS[str(one.tag)])
        elif one.tag not in _ASIDE:
            for child in reversed(one):
                stack.extend(text for text in (child.tail,) if text)
                stack.append(child)
            if one.text:
                stack.append(one.text)
    return "".join(parts)
