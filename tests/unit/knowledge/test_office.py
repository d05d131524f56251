"""Workbooks, presentations and OpenDocument files: what is read, and what is refused."""

import io
import zipfile
from datetime import date, datetime, time
from typing import Any

import pytest

from appliance.knowledge.chunking import chunks
from appliance.knowledge.parsing import errors
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.numbers import style
from appliance.knowledge.parsing.parsed import Parsed
from appliance.knowledge.parsing.read import read
from tests.factories import files, office
from tests.factories.parsing import refusal, shown

LIMITS = ParseLimits(text=200_000, entries=200)


def parsed(content: bytes, name: str) -> Parsed:
    return read(io.BytesIO(content), name, LIMITS)


PRICES: office.Rows = [
    ["Price list"],
    [],
    ["Part", "Price", "VAT", "Since", "Open", "Sum", "Live", "At"],
    ["流量计", (9.5, '#,##0.00 "€"'), (0.19, "0%"), date(2026, 3, 1), time(9, 30), 0.1 + 0.2, True, None],
    ["P-2", (1200, "[$¥-804]#,##0"), (0.075, "0.0%"), datetime(2026, 3, 1, 14, 5), None, 1e20, False],  # noqa: DTZ001 - a cell has no zone
]


def test_a_workbook_gives_sheets_and_rows_with_values_as_they_are_seen() -> None:
    sheets: dict[str, office.Rows] = {
        "价格": PRICES,
        "Empty": [],
        "Secret": [["hidden"]],
        "Sites": [["Site"], ["=1+1"], ["Wien"]],
    }
    document = parsed(office.workbook(sheets, hidden=["Secret"], title="All prices"), "a.xlsx")
    assert document.title == "All prices"
    assert shown(document) == [
        ("heading", "价格"),
        ("paragraph", "Price list"),
        ("header_row", "Part | Price | VAT | Since | Open | Sum | Live | At"),
        ("row", "流量计 | 9.5 € | 19% | 2026-03-01 | 09:30 | 0.3 | TRUE"),
        ("row", "P-2 | ¥1200 | 7.5% | 2026-03-01 14:05 |  | 100000000000000000000 | FALSE"),
        ("heading", "Sites"),
        ("header_row", "Site"),
        ("row", "Wien"),
    ]
    assert document.blocks[-1].path == ("Sites",)
    assert parsed(office.workbook({"Only": [["a"]]}), "a.xlsm").title == ""


def test_a_long_sheet_is_cut_between_rows_and_its_header_stands_above_each_chunk() -> None:
    rows: office.Rows = [["Part", "Stock"], *([f"P-{number} of the long list", number] for number in range(300))]
    document = parsed(office.workbook({"Stock": rows}), "a.xlsx")
    found = chunks(document.text, document.blocks, lambda texts: [len(text.split()) for text in texts])
    assert len(found) > 5
    assert all(chunk.lead.endswith("Part | Stock") for chunk in found[1:])
    assert {line for chunk in found for line in chunk.text.split("\n")} == set(document.text.split("\n"))
    assert all(document.text[chunk.start : chunk.end] == chunk.text for chunk in found)


SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def bare(rows: str, shared: str = "", properties: str = "", styles: str = "", head: str = "") -> bytes:
    """A workbook from its XML, as other programs write it."""
    parts = {
        "xl/workbook.xml": f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}">{properties}<sheets>'
        '<sheet name="S" r:id="a"/><sheet name="Gone" r:id="b"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{RELATIONS}">'
        '<Relationship Id="a" Target="/xl/worksheets/one.xml"/>'
        '<Relationship Id="b" Target="http://elsewhere/" TargetMode="External"/></Relationships>',
        "xl/worksheets/one.xml": f'{head}<worksheet xmlns="{SHEET}"><sheetData>{rows}</sheetData></worksheet>',
    }
    if shared:
        parts["xl/sharedStrings.xml"] = f'<sst xmlns="{SHEET}">{shared}</sst>'
    if styles:
        parts["xl/styles.xml"] = f'<styleSheet xmlns="{SHEET}">{styles}</styleSheet>'
    return files.archived(parts)


def test_a_workbook_of_another_program_is_read() -> None:
    shared = "<si><t>Name</t></si><si><r><t>Mu</t></r><r><t>ster</t></r><rPh><t>ムスタ</t></rPh></si>"
    rows = (
        '<row><c t="s"><v>0</v></c><c t="inlineStr"><is><t>Day</t></is></c><c t="str"><f>A1</f><v>Text</v></c></row>'
        '<row r="2"><c r="A2" t="s"><v>1</v></c><c r="B2" s="0"><v>0</v></c><c r="D2" t="s"><v>99</v></c></row>'
        '<row><c t="e"><v>#N/A</v></c><c s="77"><v>1.50</v></c><c><v>no number</v></c><c/></row>'
    )
    styles = '<cellXfs><xf numFmtId="14"/></cellXfs>'
    document = parsed(bare(rows, shared, '<workbookPr date1904="1"/>', styles), "a.xlsx")
    assert shown(document) == [
        ("heading", "S"),
        ("header_row", "Name | Day | Text"),
        ("row", "Muster | 1904-01-01"),
        ("row", "#N/A | 1.5 | no number"),
    ]


LOOKS = [
    ("General", "0.1000000000000000055", "0.1"),
    ("General", "-1234567.5", "-1234567.5"),
    ("General", "1E-30", "1e-30"),
    ("General", "0.0", "0"),
    ('0.00"%"', "5", "5"),
    ("0.00%;[Red]-0.00%", "-0.125", "-12.5%"),
    ('yyyy"年"m"月"d"日"', "46082", "2026-03-01"),
    ("yyyy年m月", "46082", "2026-03-01"),
    ("mmm-yy", "46082", "2026-03-01"),
    ("[h]:mm", "1.5", "36:00"),
    ("mm:ss", "0.0005", "00:00:43"),
    ("yyyy-mm-dd hh:mm:ss", "46082.0001157", "2026-03-01 00:00:10"),
    ("yyyy-mm-dd", "-1", "-1"),
    ("yyyy-mm-dd", "99999999", "99999999"),
    ("#,##0 [$EUR]", "12", "12 EUR"),
    ("$#,##0", "12", "$12"),
    ("0%", "much", "much"),
    ("General", "NaN", "NaN"),
]


@pytest.mark.parametrize(("code", "value", "expected"), LOOKS)
def test_numbers_look_as_their_format_says(code: str, value: str, expected: str) -> None:
    assert style(code).shown(value) == expected


SLIDES: list[dict[str, Any]] = [
    {"title": "Roadmap 路线", "items": ["First", "Second"], "notes": "Say hello"},
    {"title": "", "table": [["Part", "Price"], ["P-1", "9"]], "box": "A box"},
]


def test_a_presentation_gives_slides_as_pages_with_titles_lists_tables_and_notes() -> None:
    document = parsed(office.presentation(SLIDES, title="The plan"), "a.pptx")
    assert document.title == "The plan"
    assert shown(document) == [
        ("heading", "Roadmap 路线"),
        ("item", "First"),
        ("item", "Second"),
        ("paragraph", "Say hello"),
        ("header_row", "Part | Price"),
        ("row", "P-1 | 9"),
        ("paragraph", "A box"),
    ]
    assert [block.page for block in document.blocks] == [1, 1, 1, 1, 2, 2, 2]
    assert all(document.page_at(block.start) == block.page for block in document.blocks)


ODT = (
    "<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>"
    '<text:h text:outline-level="2">Leave</text:h>'
    "<text:p>Everyone<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>A note.</text:p>"
    '</text:note-body></text:note><text:s text:c="3"/>has<text:tab/>25<text:line-break/>days<text:span>.</text:span>'
    "<office:annotation><text:p>a comment</text:p></office:annotation></text:p>"
    "<text:list><text:list-item><text:p>one</text:p></text:list-item>"
    "<text:list-item><text:p>two</text:p></text:list-item></text:list>"
    + office.odf_table([["Grade", "Days"], ["A", "25"]])
)
META = '<m xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The handbook</dc:title></m>'


def test_an_open_document_text_gives_headings_lists_tables_and_notes() -> None:
    document = parsed(office.opendocument("text", ODT, meta_xml=META), "a.odt")
    assert document.title == "The handbook"
    assert shown(document) == [
        ("heading", "Leave"),
        ("paragraph", "Everyone has 25\ndays."),
        ("paragraph", "A note."),
        ("item", "one"),
        ("item", "two"),
        ("header_row", "Grade | Days"),
        ("row", "A | 25"),
    ]
    assert document.blocks[0].level == 2


def test_an_open_document_sheet_gives_values_as_shown_and_repeats_with_reason() -> None:
    repeated = (
        '<table:table table:name="More"><table:table-row table:number-rows-repeated="3">'
        '<table:table-cell table:number-columns-repeated="2"><text:p>x</text:p></table:table-cell>'
        '<table:table-cell table:number-columns-repeated="16000"/></table:table-row>'
        '<table:table-row table:number-rows-repeated="1048000"><table:table-cell/></table:table-row></table:table>'
    )
    body = office.odf_table([["Part", "VAT"], ["P-1", "19 %"]], "价格") + repeated
    assert shown(parsed(office.opendocument("spreadsheet", body), "a.ods")) == [
        ("heading", "价格"),
        ("header_row", "Part | VAT"),
        ("row", "P-1 | 19 %"),
        ("heading", "More"),
        ("header_row", "x | x"),
        ("row", "x | x"),
        ("row", "x | x"),
    ]


def test_an_open_document_presentation_gives_slides_as_pages() -> None:
    body = (
        "<draw:page><draw:frame><draw:text-box><text:p>Below</text:p></draw:text-box></draw:frame>"
        '<draw:frame presentation:class="title"><draw:text-box><text:p>Roadmap</text:p></draw:text-box></draw:frame>'
        '<draw:frame presentation:class="footer"><draw:text-box><text:p>Co.</text:p></draw:text-box></draw:frame>'
        "<presentation:notes><text:p>Say hello</text:p></presentation:notes></draw:page>"
        "<draw:page><draw:custom-shape><text:p>Second</text:p></draw:custom-shape></draw:page>"
    )
    document = parsed(office.opendocument("presentation", body), "a.odp")
    told = [(block.page, document.text[block.start : block.end]) for block in document.blocks]
    assert told == [(1, "Roadmap"), (1, "Below"), (1, "Say hello"), (2, "Second")]


def swollen(content: bytes, part: str, size: int = 20_000_000) -> bytes:
    """The same package, one of its parts followed by so much nothing."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name) + b" " * (size if name == part else 0))
    return buffer.getvalue()


XLSX = office.workbook({"S": [["a", "b"]]})
PPTX = office.presentation(SLIDES)
PLAIN_ODT = office.opendocument("text", ODT)
WIDE = '<row><c r="XFE1"><v>1</v></c></row>'
DTD = '<!DOCTYPE d [<!ENTITY a "ha">]>'
REPEATING = (
    '<table:table-row><table:table-cell table:number-columns-repeated="1000"><text:p>wordy</text:p>'
    "</table:table-cell></table:table-row>"
)
REFUSED = [
    ("bomb.xlsx", swollen(XLSX, "xl/worksheets/sheet1.xml"), errors.ArchiveBomb),
    ("bomb.pptx", swollen(PPTX, "ppt/slides/slide1.xml"), errors.ArchiveBomb),
    ("bomb.odt", swollen(PLAIN_ODT, "content.xml"), errors.ArchiveBomb),
    (
        "wordy.ods",
        office.opendocument("spreadsheet", f"<table:table>{REPEATING * 50}</table:table>"),
        errors.TooMuchText,
    ),
    ("wordy.xlsx", bare("<row/>", f"<si><t>{'a' * 100_001}</t></si>" * 2), errors.TooMuchText),
    ("cut.xlsx", XLSX[: len(XLSX) // 2], errors.Truncated),
    ("cut.pptx", PPTX[: len(PPTX) // 2], errors.Truncated),
    ("cut.odt", PLAIN_ODT[:-30], errors.Truncated),
    ("locked.xlsx", files.protected_office_file(), errors.Encrypted),
    (
        "locked.odt",
        office.opendocument("text", ODT, **{"META-INF__manifest_xml": "<m:encryption-data/>"}),
        errors.Encrypted,
    ),
    ("sheet.pptx", XLSX, errors.Mislabelled),
    ("slides.xlsx", PPTX, errors.Mislabelled),
    ("text.ods", PLAIN_ODT, errors.Mislabelled),
    ("text.xlsx", b"a,b\n1,2\n", errors.Mislabelled),
    ("wide.xlsx", bare(WIDE), errors.Damaged),
    ("broken.xlsx", bare("<row><c></row>"), errors.Damaged),
    ("entities.xlsx", bare("<row><c><v>&a;</v></c></row>", head=DTD), errors.Damaged),
    ("broken.odt", files.archived({"mimetype": office.ODF_TYPE + "text", "content.xml": "<a/>"}), errors.Damaged),
    ("dtd.odt", files.archived({"mimetype": office.ODF_TYPE + "text", "content.xml": f"{DTD}<a/>"}), errors.Damaged),
    ("drawing", files.archived({"mimetype": office.ODF_TYPE + "graphics"}), errors.UnknownType),
    ("silent.pptx", office.presentation([{}]), errors.NoText),
]


@pytest.mark.parametrize(("name", "content", "expected"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_cannot_be_read_fails_with_its_own_reason(
    name: str, content: bytes, expected: type[errors.FileRefused]
) -> None:
    assert refusal(content, name, LIMITS) is expected
