"""HTML: what a reader sees, in the order of the page. Scripts, styles, menus and hidden parts are left out.

The tree is walked with a stack of our own: a page nested ten thousand deep must not end in a RecursionError.
"""

import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

from appliance.knowledge.parsing.errors import NoText
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.markup import check
from appliance.knowledge.parsing.parsed import Kind, Parsed
from appliance.knowledge.parsing.writer import Writer, flat, joined

_SKIPPED: Final = frozenset(
    """script style template noscript head svg math iframe object embed canvas audio video nav select option button
    input textarea datalist dialog""".split()  # noqa: SIM905 - a list would be 20 lines
)
_BLOCKS: Final = frozenset(
    """address article aside blockquote body caption center dd details dir div dl dt fieldset figcaption figure footer
    form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu ol p pre section summary table tbody td tfoot th
    thead tr ul""".split()  # noqa: SIM905 - a list would be 45 lines
)
_CELLS: Final = ("td", "th")
_HEADING: Final = re.compile(r"h([1-6])")
_XML_DECLARATION: Final = re.compile(r"^\s*<\?xml[^>]*\?>")
_BREAK: Final = "\x0b"
"""Stands for <br> until the text is flattened: a character that ``clean`` has removed from everything else."""


def parse(text: str, limits: ParseLimits) -> Parsed:
    """A page as a document; its title is the page's title or its first heading. NoText where nothing is visible."""
    parser = etree.HTMLParser(no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    source = _XML_DECLARATION.sub("", text.replace(_BREAK, " ").replace("\x00", ""))
    try:
        root = etree.fromstring(source, parser)
    except etree.XMLSyntaxError as error:
        check(parser)
        raise NoText from error  # nothing at all that could be an element
    check(parser)
    if root is None:
        raise NoText
    writer = Writer(limits.text)
    _Page(writer).read(root)
    titles = (flat("".join(title.itertext())) for title in root.iter("title"))
    parsed = writer.parsed("text/html", next(titles, ""))
    if not parsed.blocks:
        raise NoText
    return parsed


def _walk(root: etree._Element) -> Iterator[tuple[bool, etree._Element]]:
    """(True, element) where it begins, (False, element) where it ends; nothing of what is skipped."""
    stack: list[tuple[bool, etree._Element]] = [(True, root)]
    while stack:
        begins, element = stack.pop()
        yield begins, element
        if begins:
            stack.append((False, element))
            if not _hidden(element):
                stack.extend((True, child) for child in reversed(element) if isinstance(child.tag, str))


def _hidden(element: etree._Element) -> bool:
    style = (element.get("style") or "").replace(" ", "").lower()
    return (
        element.tag in _SKIPPED
        or element.get("hidden") is not None
        or "display:none" in style
        or "visibility:hidden" in style
    )


class _Page:
    """Gathers inline text and writes a block at each boundary."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._inline: list[str] = []
        self._open: list[str] = []
        self._row: list[str] | None = None
        self._row_is_header = True
        self._last: Kind | None = None

    def read(self, root: etree._Element) -> None:
        """Write the whole tree."""
        for begins, element in _walk(root):
            if begins:
                self._begin(element)
            else:
                self._end(element)
        self._flush()

    def _begin(self, element: etree._Element) -> None:
        tag = str(element.tag)
        if tag in _BLOCKS:
            self._boundary(tag)
            self._open.append(tag)
        if tag == "tr" and self._row is None:
            self._row, self._row_is_header = [], True
        if tag == "br":
            self._inline.append(_BREAK)
        if tag == "img":
            self._inline.append(f" {element.get('alt') or ''} ")
        if element.text and not _hidden(element):
            self._inline.append(self._spaced(element.text))

    def _end(self, element: etree._Element) -> None:
        tag = str(element.tag)
        if tag in _BLOCKS:
            self._boundary(tag)
            self._open.pop()
        if element.tail:
            self._inline.append(self._spaced(element.tail))

    def _spaced(self, text: str) -> str:
        """Line ends of the source mean nothing, but in <pre>."""
        return text if "pre" in self._open else joined(text.split("\n"))

    def _boundary(self, tag: str) -> None:
        if self._row is None:
            self._flush()
        elif tag in _CELLS and self._open[-1:] == [tag] and sum(map(self._open.count, _CELLS)) == 1:
            self._row.append(flat(self._taken()))
            self._row_is_header &= tag == "th"
        elif tag == "tr" and self._open[-1:] == ["tr"] and self._open.count("tr") == 1:
            self._finish_row()
        else:
            self._inline.append(" ")

    def _finish_row(self) -> None:
        cells, self._row = self._row or [], None
        cells.append(flat(self._taken()))
        if not cells[-1]:  # nothing behind the last cell
            cells.pop()
        line = " | ".join(cells) if any(cells) else ""  # empty cells stay, or values would stand under other heads
        first = self._last not in ("row", "header_row")
        header = self._row_is_header or "thead" in self._open
        self._add("header_row" if header else "row", line, close=not first)

    def _taken(self) -> str:
        text = "".join(self._inline).replace(_BREAK, "\n")
        self._inline.clear()
        return text

    def _flush(self) -> None:
        text = self._taken()
        if "pre" in self._open:
            self._add("code", text)
            return
        lines = [flat(line) for line in text.split("\n")]
        body = "\n".join(line for line in lines if line)
        heading = next((match for tag in reversed(self._open) if (match := _HEADING.fullmatch(tag))), None)
        if heading:
            self._add("heading", joined(body.split("\n")), level=int(heading.group(1)))
        elif "li" in self._open:
            self._add("item", body, close=self._last == "item")
        else:
            self._add("paragraph", body)

    def _add(self, kind: Kind, text: str, *, level: int = 0, close: bool = False) -> None:
        if text.strip():
            self._writer.add(kind, text, level=level, close=close)
            self._last = kind
