"""Workbooks and presentations as their libraries write them; OpenDocument files from their XML."""

import io
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any, Final

from openpyxl import Workbook
from pptx import Presentation
from pptx.util import Inches

from tests.factories.files import archived

Rows = Sequence[Sequence[object]]
FORMATS: Final[dict[type, str]] = {datetime: "yyyy-mm-dd hh:mm", date: "dd/mm/yy", time: "h:mm"}
ODF: Final = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for short, name in (
        ("office", "office"),
        ("text", "text"),
        ("table", "table"),
        ("draw", "drawing"),
        ("presentation", "presentation"),
    )
)
ODF_TYPE: Final = "application/vnd.oasis.opendocument."


def workbook(sheets: dict[str, Rows], *, hidden: Sequence[str] = (), title: str = "") -> bytes:
    """An XLSX; a cell may be (value, number format)."""
    book = Workbook()
    book.remove(book.active)
    book.properties.title = title or None
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        sheet.sheet_state = "hidden" if name in hidden else "visible"
        for number, row in enumerate(rows, start=1):
            for column, value in enumerate(row, start=1):
                _fill(sheet.cell(number, column), value)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _fill(cell: Any, value: object) -> None:  # noqa: ANN401 - openpyxl ships no types
    plain, look = value if isinstance(value, tuple) else (value, FORMATS.get(type(value), "General"))
    cell.value = plain
    cell.number_format = look


def presentation(slides: Sequence[dict[str, Any]], title: str = "") -> bytes:
    """A PPTX; a slide may have a ``title``, ``items``, a ``table``, a ``box`` and ``notes``."""
    show = Presentation()
    show.core_properties.title = title
    for told in slides:
        slide = show.slides.add_slide(show.slide_layouts[1 if "items" in told else 5])
        slide.shapes.title.text = told.get("title", "")
        if "items" in told:
            slide.placeholders[1].text_frame.text = "\n".join(told["items"])
        if rows := told.get("table"):
            shape = slide.shapes.add_table(len(rows), len(rows[0]), Inches(1), Inches(1), Inches(5), Inches(2))
            for number, row in enumerate(rows):
                for column, value in enumerate(row):
                    shape.table.cell(number, column).text = value
        if "box" in told:
            box = slide.shapes.add_textbox(Inches(1), Inches(4), Inches(5), Inches(1))
            box.text_frame.text = told["box"]
        if "notes" in told:
            slide.notes_slide.notes_text_frame.text = told["notes"]
    buffer = io.BytesIO()
    show.save(buffer)
    return buffer.getvalue()


def opendocument(kind: str, body: str, **more: str) -> bytes:
    """An ODF file; ``kind``: text, spreadsheet or presentation; ``more``: further parts, named with __ and _xml."""
    content = f"<office:document-content {ODF}><office:body><office:{kind}>{body}</office:{kind}></office:body>"
    parts = {"mimetype": ODF_TYPE + kind, "content.xml": content + "</office:document-content>"}
    return archived(parts | {name.replace("__", "/").replace("_xml", ".xml"): part for name, part in more.items()})


def odf_table(rows: Rows, name: str = "Table1") -> str:
    """The XML of one table."""
    lines = ("".join(f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in row) for row in rows)
    body = "".join(f"<table:table-row>{line}</table:table-row>" for line in lines)
    return f'<table:table table:name="{name}">{body}</table:table>'
