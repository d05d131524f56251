"""DOCX, read from its parts directly: python-docx unpacks without caps (docs/decisions/0022-docx-reader.md).

Only the parts that hold text are unpacked: the main document, styles, footnotes, properties. Pictures, macros and
embedded files are never opened.
"""

import re
from typing import Final

from lxml import etree

from appliance.knowledge.parsing.archive import Archive
from appliance.knowledge.parsing.errors import NoText
from appliance.knowledge.parsing.formats import DOCX
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.markup import titled, tree
from appliance.knowledge.parsing.parsed import Parsed
from appliance.knowledge.parsing.writer import Writer, flat

_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STRICT: Final = b"http://purl.oclc.org/ooxml/wordprocessingml/main"
_TRANSITIONAL: Final = b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_MAIN: Final = "word/document.xml"
# Deleted or moved text, instructions of fields, the second copy of a drawing for old readers.
_SKIPPED: Final = frozenset(
    [_W + name for name in ("del", "moveFrom", "instrText", "delText", "pPr", "rPr", "tblPr", "sectPr", "tcPr", "trPr")]
    + ["{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"]
)
_SIGNS: Final = {_W + "tab": "\t", _W + "br": "\n", _W + "cr": "\n", _W + "noBreakHyphen": "-"}
_MATH_TEXT: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_HEADING_NAME: Final = re.compile(r"heading ([1-9])", re.IGNORECASE)


def parse(archive: Archive, limits: ParseLimits) -> Parsed:
    """A Word document. Raises ArchiveBomb, Damaged, NoText."""
    writer = Writer(limits.text)
    body = _tree(archive, _MAIN)
    _Document(writer, _levels(archive)).read(body)
    for notes in ("word/footnotes.xml", "word/endnotes.xml"):
        if notes in archive.names:
            _Document(writer, {}).read(_tree(archive, notes))
    parsed = writer.parsed(DOCX, titled(archive))
    if not parsed.blocks:
        raise NoText
    return parsed


def _tree(archive: Archive, name: str) -> etree._Element:
    return tree(archive.read(name).replace(_STRICT, _TRANSITIONAL), name)


def _levels(archive: Archive) -> dict[str, int]:
    """Style id → heading level, through the styles that each is based on. Word writes built-in names in English."""
    if "word/styles.xml" not in archive.names:
        return {}
    own: dict[str, int] = {}
    bases: dict[str, str] = {}
    for style in _tree(archive, "word/styles.xml").iter(_W + "style"):
        identity = style.get(_W + "styleId") or ""
        level = _style_level(style)
        if level:
            own[identity] = level
        base = style.find(_W + "basedOn")
        if base is not None:
            bases[identity] = base.get(_W + "val") or ""
    return {identity: level for identity in own | bases if (level := _inherited(identity, own, bases))}


def _style_level(style: etree._Element) -> int:
    name = style.find(_W + "name")
    called = (name.get(_W + "val") or "") if name is not None else ""
    if called.lower() == "title":
        return 1
    match = _HEADING_NAME.fullmatch(called)
    return int(match.group(1)) if match else _outline(style)


def _outline(element: etree._Element) -> int:
    """The outline level that paragraph properties give (0–8 are headings, 9 is body text), counted from 1; 0: none."""
    found = element.find(f".//{_W}outlineLvl")
    value = (found.get(_W + "val") or "9") if found is not None else "9"
    return int(value) + 1 if value in set("012345678") else 0


def _inherited(identity: str, own: dict[str, int], bases: dict[str, str]) -> int:
    seen: set[str] = set()
    while identity and identity not in own and identity not in seen:
        seen.add(identity)
        identity = bases.get(identity, "")
    return own.get(identity, 0)


def _text(element: etree._Element) -> str:
    """The visible text below an element; paragraphs inside it (cells, text boxes) end with a line break."""
    parts: list[str] = []
    stack: list[etree._Element | str] = [element]
    while stack:
        one = stack.pop()
        if isinstance(one, str):
            parts.append(one)
        elif one.tag in (_W + "t", _MATH_TEXT):
            parts.append(one.text or "")
        elif one.tag in _SIGNS:
            parts.append(_SIGNS[str(one.tag)])
        elif one.tag not in _SKIPPED:
            if one.tag == _W + "p" and one is not element:
                stack.append("\n")
            stack.extend(reversed(one))
    return "".join(parts)


class _Document:
    """Writes paragraphs and tables in order."""

    def __init__(self, writer: Writer, levels: dict[str, int]) -> None:
        self._writer = writer
        self._levels = levels
        self._in_list = False

    def read(self, root: etree._Element) -> None:
        """Write everything below ``root``."""
        stack = [root]
        while stack:
            one = stack.pop()
            if one.tag == _W + "p":
                self._paragraph(one)
            elif one.tag == _W + "tbl":
                self._table(one)
            elif one.tag not in _SKIPPED:
                stack.extend(reversed(one))

    def _paragraph(self, element: etree._Element) -> None:
        text = "\n".join(line for line in (flat(line) for line in _text(element).split("\n")) if line)
        if not text:
            return
        properties = element.find(_W + "pPr")
        level = self._level(properties)
        item = level == 0 and properties is not None and properties.find(_W + "numPr") is not None
        if level:
            self._writer.add("heading", flat(text), level=level)
        else:
            self._writer.add("item" if item else "paragraph", text, close=item and self._in_list)
        self._in_list = item

    def _level(self, properties: etree._Element | None) -> int:
        if properties is None:
            return 0
        style = properties.find(_W + "pStyle")
        named = (style.get(_W + "val") or "") if style is not None else ""
        return _outline(properties) or self._levels.get(named, 0)

    def _table(self, table: etree._Element) -> None:
        """Each row is one line; the first is the header, which Word only sometimes marks."""
        self._in_list = False
        rows = [row for row in table.iter(_W + "tr") if next(row.iterancestors(_W + "tbl")) is table]
        written = 0
        for row in rows:
            cells = [flat(_text(cell)) for cell in row.iter(_W + "tc") if next(cell.iterancestors(_W + "tr")) is row]
            if any(cells):  # empty cells stay, or values would stand under other heads
                line = " | ".join(cells)
                self._writer.add("row" if written else "header_row", line, close=written > 0)
                written += 1
