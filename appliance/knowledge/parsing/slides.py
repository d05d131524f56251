"""PPTX: each slide a page under its title, then its text, lists and tables, then the speaker's notes.

Pictures, charts and diagrams are not opened. Dates, footers and slide numbers are on every slide and are left out.
"""

from collections.abc import Iterator
from typing import Final

from lxml import etree

from appliance.knowledge.parsing import formats, grid
from appliance.knowledge.parsing.archive import Archive
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.markup import part, related, relation, titled
from appliance.knowledge.parsing.parsed import Parsed
from appliance.knowledge.parsing.writer import Writer, flat

_SHOW: Final = "ppt/presentation.xml"
_TITLES: Final = frozenset(["title", "ctrTitle"])
_PASSED_OVER: Final = frozenset(["dt", "ftr", "sldNum", "hdr", "sldImg"])
_LISTS: Final = frozenset(["body", "obj", ""])
"""Placeholders whose paragraphs have bullets unless they say otherwise; a missing type means ``obj``."""


def parse(archive: Archive, limits: ParseLimits) -> Parsed:
    """A presentation. Raises ArchiveBomb, Damaged, TooMuchText."""
    parts = related(archive, _SHOW)
    writer = Writer(limits.text)
    for slide in part(archive, _SHOW).iterfind("{*}sldIdLst/{*}sldId"):
        where = parts.get(relation(slide), "")
        writer.page()
        if where in archive.names:
            _slide(writer, archive, where)
    return writer.parsed(formats.PPTX, titled(archive))


def _slide(writer: Writer, archive: Archive, where: str) -> None:
    shapes = list(_shapes(part(archive, where)))
    for shape in shapes:
        if _placeholder(shape) in _TITLES:
            writer.add("heading", flat(" ".join(text for text, _ in _paragraphs(shape))), level=1)
    for shape in shapes:
        if _placeholder(shape) not in _TITLES | _PASSED_OVER:
            _write(writer, shape)
    for target in related(archive, where).values():
        if target.startswith("ppt/notesSlides/") and target in archive.names:
            for shape in _shapes(part(archive, target)):
                if _placeholder(shape) == "body":
                    writer.add("paragraph", "\n".join(text for text, _ in _paragraphs(shape)))


def _shapes(slide: etree._Element) -> Iterator[etree._Element]:
    """Shapes and tables in their order, those in groups too; not the copies for old readers."""
    for one in slide.iter("{*}sp", "{*}graphicFrame"):
        if not any(etree.QName(above).localname == "Fallback" for above in one.iterancestors()):
            yield one


def _placeholder(shape: etree._Element) -> str | None:
    """What the shape stands for: a title, a footer, …; None for one that was drawn."""
    found = shape.find("{*}nvSpPr/{*}nvPr/{*}ph")
    return found.get("type", "") if found is not None else None


def _write(writer: Writer, shape: etree._Element) -> None:
    for table in shape.iterfind(".//{*}tbl"):
        rows = table.iterfind("{*}tr")
        grid.write(writer, ([_text(cell) for cell in row.iterfind("{*}tc")] for row in rows))
    listed = _placeholder(shape) in _LISTS
    before = False
    paragraphs = list(_paragraphs(shape))
    for text, bullet in paragraphs:
        item = bullet if bullet is not None else listed and len(paragraphs) > 1
        writer.add("item" if item else "paragraph", text, close=item and before)
        before = item


def _paragraphs(shape: etree._Element) -> Iterator[tuple[str, bool | None]]:
    """Each paragraph of the shape's own text, and whether it says that it has a bullet."""
    for paragraph in shape.iterfind("{*}txBody/{*}p"):
        text = "\n".join(line for line in map(flat, _text(paragraph).split("\n")) if line)
        if not text:
            continue
        if paragraph.find("{*}pPr/{*}buNone") is not None:
            yield text, False
        elif paragraph.find("{*}pPr/{*}buChar") is not None or paragraph.find("{*}pPr/{*}buAutoNum") is not None:
            yield text, True
        else:
            yield text, None


def _text(element: etree._Element) -> str:
    """The runs below it; a line break or a new paragraph is a line end."""
    signs = element.iter("{*}t", "{*}br", "{*}p")
    return "".join((one.text or "") if etree.QName(one).localname == "t" else "\n" for one in signs)
