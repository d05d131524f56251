r"""Makes the DOCX and PDF documents of the sample handbook from `source/*.md`.

The results are committed, so only someone who changes a source runs this: `python docs/handbook/make.py`. It needs
reportlab (BSD) and, for Chinese, the font of Debian's package `fonts-lxgw-wenkai` (SIL Open Font License 1.1, which
allows embedding); only the glyphs used are embedded. The same sources give the same bytes: no dates are written.

A source is Markdown of the smallest kind: `#` and `##` headings, paragraphs, `- ` lists, pipe tables and `\newpage`.
"""

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

HERE = Path(__file__).parent
FONT = Path("/usr/share/fonts/truetype/lxgw-wenkai/LXGWWenKai-Regular.ttf")
NEVER = (1980, 1, 1, 0, 0, 0)  # the oldest date a zip can hold: the archive says nothing of when it was made
CJK_STARTS = 0x2E80


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a source: `kind` is h1, h2, p, li, table or page; `rows` is filled for a table only."""

    kind: str
    text: str = ""
    rows: tuple[tuple[str, ...], ...] = ()


def blocks(source: str) -> Iterator[Block]:
    """The blocks of a source in their order."""
    for part in source.strip().split("\n\n"):
        lines = part.strip().splitlines()
        first = lines[0]
        if first.startswith("|"):
            rows = [tuple(cell.strip() for cell in line.strip().strip("|").split("|")) for line in lines]
            yield Block("table", rows=(rows[0], *rows[2:]))
        elif first.startswith("- "):
            yield from (Block("li", line[2:]) for line in lines)
        elif first == "\\newpage":
            yield Block("page")
        elif first.startswith("#"):
            marks, text = first.split(" ", 1)
            yield Block(f"h{len(marks)}", text)
        else:
            yield Block("p", " ".join(lines))


# --- DOCX: the four parts that a reader needs, written by hand ---------------------------------------------------

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
TYPES = f"""{DECLARATION}<Types xmlns="{PACKAGE}/content-types">\
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>\
<Default Extension="xml" ContentType="application/xml"/>\
<Override PartName="/word/document.xml" \
ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/>\
<Override PartName="/word/styles.xml" \
ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml"/></Types>"""
ROOT = f"""{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">\
<Relationship Id="rId1" Type="{OFFICE}/relationships/officeDocument" Target="word/document.xml"/></Relationships>"""
LINKS = f"""{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">\
<Relationship Id="rId1" Type="{OFFICE}/relationships/styles" Target="styles.xml"/></Relationships>"""


def style(key: str, name: str, size: int, outline: int | None) -> str:
    """One paragraph style; `size` in half points; `outline` is the level of a heading, 0 for the highest."""
    level = "" if outline is None else f'<w:pPr><w:outlineLvl w:val="{outline}"/></w:pPr>'
    bold = "" if outline is None else "<w:b/>"
    return (
        f'<w:style w:type="paragraph" w:styleId="{key}"><w:name w:val="{name}"/>{level}'
        f'<w:rPr>{bold}<w:sz w:val="{size}"/></w:rPr></w:style>'
    )


STYLES = (
    f'{DECLARATION}<w:styles xmlns:w="{WORD}">'
    + style("Normal", "Normal", 22, None)
    + style("Heading1", "heading 1", 36, 0)
    + style("Heading2", "heading 2", 28, 1)
    + style("ListBullet", "List Bullet", 22, None)
    + "</w:styles>"
)
KEYS = {"h1": "Heading1", "h2": "Heading2", "li": "ListBullet", "p": "Normal"}


def word_paragraph(text: str, key: str = "Normal") -> str:
    """One paragraph of one run, in the style `key`."""
    return (
        f'<w:p><w:pPr><w:pStyle w:val="{key}"/></w:pPr><w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p>'
    )


def word_table(rows: tuple[tuple[str, ...], ...]) -> str:
    """A table with borders; a cell is one paragraph."""
    sides = "".join(f'<w:{side} w:val="single" w:sz="4"/>' for side in ("top", "left", "bottom", "right", "insideH"))
    body = "".join(
        "<w:tr>" + "".join(f"<w:tc>{word_paragraph(cell)}</w:tc>" for cell in row) + "</w:tr>" for row in rows
    )
    columns = "<w:gridCol/>" * len(rows[0])
    head = f"<w:tblPr><w:tblBorders>{sides}</w:tblBorders></w:tblPr><w:tblGrid>{columns}</w:tblGrid>"
    return f"<w:tbl>{head}{body}</w:tbl>"


def word_block(block: Block) -> str:
    """The WordprocessingML of one block."""
    if block.kind == "table":
        return word_table(block.rows)
    if block.kind == "page":
        return '<w:p><w:r><w:br w:type="page"/></w:r></w:p>'
    return word_paragraph(block.text, KEYS[block.kind])


def docx(source: str, target: Path) -> None:
    """Writes one DOCX with real heading styles and tables."""
    body = "".join(word_block(block) for block in blocks(source))
    document = f'{DECLARATION}<w:document xmlns:w="{WORD}"><w:body>{body}<w:sectPr/></w:body></w:document>'
    parts = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": ROOT,
        "word/document.xml": document,
        "word/_rels/document.xml.rels": LINKS,
        "word/styles.xml": STYLES,
    }
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name, NEVER), text, zipfile.ZIP_DEFLATED)


# --- PDF ---------------------------------------------------------------------------------------------------------


def pdf_styles(*, chinese: bool) -> dict[str, ParagraphStyle]:
    """Paragraph styles by block kind; Chinese wraps between any two characters and embeds the font's used glyphs."""
    plain, bold = ("Handbook", "Handbook") if chinese else ("Helvetica", "Helvetica-Bold")
    wrap = "CJK" if chinese else None
    base = ParagraphStyle("p", fontName=plain, fontSize=10.5, leading=16, wordWrap=wrap, alignment=TA_LEFT)
    return {
        "p": base,
        "li": ParagraphStyle("li", parent=base, leftIndent=14, bulletIndent=4),
        "cell": ParagraphStyle("cell", parent=base, fontSize=9.5, leading=13),
        "h1": ParagraphStyle("h1", parent=base, fontName=bold, fontSize=19, leading=26, spaceAfter=6),
        "h2": ParagraphStyle("h2", parent=base, fontName=bold, fontSize=13.5, leading=20, spaceBefore=10),
    }


def pdf_table(rows: tuple[tuple[str, ...], ...], look: ParagraphStyle) -> Table:
    """A grid over the width of the text; long cells wrap."""
    cells = [[Paragraph(escape(cell), look) for cell in row] for row in rows]
    table = Table(cells, colWidths=[170 * mm / len(rows[0])] * len(rows[0]))
    table.setStyle(TableStyle([("GRID", (0, 0), (-1, -1), 0.4, colors.grey), ("VALIGN", (0, 0), (-1, -1), "TOP")]))
    return table


def pdf_block(block: Block, looks: dict[str, ParagraphStyle]) -> list[Flowable]:
    """What reportlab lays out for one block."""
    if block.kind == "table":
        return [pdf_table(block.rows, looks["cell"]), Spacer(1, 8)]
    if block.kind == "page":
        return [PageBreak()]
    bullet = "-" if block.kind == "li" else None
    return [Paragraph(escape(block.text), looks[block.kind], bulletText=bullet), Spacer(1, 4)]


def pdf(source: str, target: Path) -> None:
    """Writes one PDF, A4, without dates or a random id."""
    chinese = any(ord(letter) >= CJK_STARTS for letter in source)
    if chinese:
        pdfmetrics.registerFont(TTFont("Handbook", str(FONT)))
    looks = pdf_styles(chinese=chinese)
    parts = list(blocks(source))
    page = SimpleDocTemplate(
        str(target),
        pagesize=A4,
        title=parts[0].text,
        author="Tidewell Instruments (fictional)",
        invariant=1,
        leftMargin=20 * mm,
        rightMargin=20 * mm,
    )
    page.build([flowable for block in parts for flowable in pdf_block(block, looks)])


MAKERS: dict[str, Callable[[str, Path], None]] = {".docx": docx, ".pdf": pdf}


def main() -> None:
    """Makes every document of `source/`: `warranty.docx.md` becomes `documents/warranty.docx`."""
    for source in sorted((HERE / "source").glob("*.md")):
        target = HERE / "documents" / source.stem
        MAKERS[target.suffix](source.read_text(encoding="utf-8"), target)


if __name__ == "__main__":
    main()
