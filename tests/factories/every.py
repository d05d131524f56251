"""A folder with a file of every format that is read, and a question to each whose answer stands in no other."""

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import Any, Final

import pypdfium2 as pdfium
from PIL import Image

from tests.factories import compound, files, office, scans

HANDBOOK: Final = Path(__file__).resolve().parents[2] / "docs" / "handbook" / "documents"
"""Its Chinese PDFs hold the glyphs that they need: rendered they are scans, on a machine without any font."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A file, a question, what the quoted words must hold, and the page on which they must stand."""

    name: str
    content: bytes
    question: str
    fact: str
    page: int | None = None


def samples() -> list[Sample]:
    """One or more for each format."""
    return [*_pages(), *_offices(), *_texts(), *_within(), *_pictures()]


def _columns() -> bytes:
    """Two columns below a title, one after the other, as typesetters write them."""
    left = ["The quarry opens at dawn. Drivers wait behind", "the yellow barrier until the horn was blown", "twice."]
    right = ["The numbat fence of the quarry is inspected", "every 43 days by the warden, who keeps the", "key."]
    lines = [("Quarry rules", 20.0, 50.0, 780.0)]
    lines += [(text, 11.0, 50.0, 740.0 - 14 * row) for row, text in enumerate(left)]
    lines += [(text, 11.0, 320.0, 740.0 - 14 * row) for row, text in enumerate(right)]
    return files.pdf(lines)


def _tables() -> bytes:
    rows = [("Part", "Torque", "Tool"), ("Dingo bolt", "37 Nm", "T20"), ("Emu bolt", "52 Nm", "T30")]
    return files.pdf(
        [
            (cell, 11.0, 50.0 + 150 * column, 760.0 - 16 * row)
            for row, cells in enumerate(rows)
            for column, cell in enumerate(cells)
        ]
    )


def _pages() -> Iterator[Sample]:
    opening = [("Kennel", 20.0, 50.0, 760.0), ("The kennel is closed at night.", 11.0, 50.0, 720.0)]
    second = [("The kennel of the bilby has 17 heated boxes.", 11.0, 50.0, 720.0)]
    yield Sample("text.pdf", files.pdf(opening, second), "How many heated boxes has the kennel of the bilby?", "17", 2)
    question = "How often is the numbat fence of the quarry inspected?"
    yield Sample("columns.pdf", _columns(), question, "inspected every 43 days by the warden", 1)
    yield Sample("tables.pdf", _tables(), "What is the torque of the dingo bolt?", "37 Nm", 1)
    scan = scans.scanned(whole("苏州工厂安全手册.pdf", 2))
    yield Sample("scanned.pdf", scan, "厂内急救电话是多少？", "8120", 1)
    mixed = scans.scanned(
        "The ferry has a text layer.", scans.page(_english("The wombat ferry departs at 6:45 daily."))
    )
    yield Sample("mixed.pdf", mixed, "When does the wombat ferry depart daily?", "6:45", 2)


def _offices() -> Iterator[Sample]:
    body = files.paragraph("Uniforms", "1") + files.paragraph("The quokka uniform is replaced after 14 months.")
    yield Sample("word.docx", files.word(body), "After how many months is the quokka uniform replaced?", "14 months")
    slides: list[dict[str, Any]] = [
        {"title": "Opening"},
        {"title": "Harbour", "items": ["The galah crane lifts 86 tons.", "It is blue."]},
    ]
    show = office.presentation(slides)
    yield Sample("slides.pptx", show, "How many tons does the galah crane lift?", "86 tons", 2)
    sheets: dict[str, office.Rows] = {
        "Pumps": [["Part", "Price"], ["kookaburra pump", 319]],
        "Hoses": [["Part", "Price"], ["taipan hose", 28]],
    }
    yield Sample("sheets.xlsx", office.workbook(sheets), "What is the price of the taipan hose?", "28")
    text = "<text:h text:outline-level='1'>Parking</text:h><text:p>The echidna garage has 212 places.</text:p>"
    yield Sample("open.odt", office.opendocument("text", text), "How many places has the echidna garage?", "212")
    table = office.odf_table([["Valve", "Pressure"], ["platypus valve", "9 bar"]])
    yield Sample(
        "open.ods", office.opendocument("spreadsheet", table), "What is the pressure of the platypus valve?", "9 bar"
    )
    slide = "<draw:page><text:p>{}</text:p></draw:page>"
    told = slide.format("Opening") + slide.format("The brolga plan ends in the year 2031.")
    yield Sample(
        "open.odp", office.opendocument("presentation", told), "In which year does the brolga plan end?", "2031", 2
    )


def _texts() -> Iterator[Sample]:
    yield Sample("a.csv", b"Hose,Length\nquoll hose,71 m\n", "What is the length of the quoll hose?", "71 m")
    yield Sample("a.tsv", b"Lamp\tPower\npotoroo lamp\t65 W\n", "What is the power of the potoroo lamp?", "65 W")
    page = b"<nav>Menu</nav><h1>Tower</h1><p>The cassowary tower is 133 metres high.</p>"
    yield Sample("a.html", page, "How many metres high is the cassowary tower?", "133 metres")
    marked = b"# Well\n\n- The lid is red.\n- The wallaby well is 58 metres deep.\n"
    yield Sample("a.md", marked, "How many metres deep is the wallaby well?", "58 metres")
    plain = "The dunnart café serves 94 breakfasts a day.\n".encode()
    yield Sample("utf-8.txt", plain, "How many breakfasts a day does the dunnart café serve?", "94")
    spoken = "第一条 总则\n\n考拉津贴每月发放三百六十元。\n"
    yield Sample("gb18030.txt", spoken.encode("gb18030"), "考拉津贴每月发放多少元？", "三百六十元")
    taiwan = "第一條 總則\n\n袋熊津貼每季發放七百五十元。\n"
    yield Sample("big5.txt", taiwan.encode("big5"), "袋熊津貼每季發放多少元？", "七百五十元")
    utf16 = "The bandicoot shuttle seats 29 passengers.\n".encode("utf-16")
    yield Sample("utf-16.txt", utf16, "How many passengers does the bandicoot shuttle seat?", "29")
    record = b'{"stores": [{"name": "goanna store", "city": "Narva"}, {"name": "perentie store", "city": "Vaasa"}]}'
    yield Sample("a.json", record, "In which city is the perentie store?", "Vaasa")
    lines = b'{"machine": "bettong press", "force": "410 kN"}\n{"machine": "boodie press", "force": "520 kN"}\n'
    yield Sample("a.jsonl", lines, "What is the force of the boodie press?", "520 kN")


def _within() -> Iterator[Sample]:
    """What holds other files; asked is what stands in those."""
    letter = EmailMessage()
    letter["Subject"] = "Prices"
    letter.set_content("Enclosed are the prices. The drongo discount is 11 per cent.")
    letter.add_attachment("Meter,Price\ncurrawong meter,475\n", subtype="csv", filename="prices.csv")
    yield Sample("a.eml", letter.as_bytes(), "What is the price of the currawong meter?", "475")
    attached = files.pdf([("Terms", 11.0, 50.0, 760.0)], [("The magpie warranty lasts 63 months.", 11.0, 50.0, 760.0)])
    outlook = compound.msg({0x0037: "Terms", 0x1000: "Enclosed are the terms."}, {"terms.pdf": attached})
    yield Sample("a.msg", outlook, "How many months does the magpie warranty last?", "63 months", 2)
    book = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<c xmlns="urn:c"><rootfiles><rootfile full-path="book.opf"/></rootfiles></c>',
        "book.opf": '<p xmlns="urn:o"><manifest><item id="a" href="a.html" media-type="text/html"/></manifest>'
        '<spine><itemref idref="a"/></spine></p>',
        "a.html": "<h1>Bridges</h1><p>The lyrebird bridge carries 18 trucks at once.</p>",
    }
    yield Sample("a.epub", files.archived(book), "How many trucks does the lyrebird bridge carry at once?", "18")
    packed = files.archived(
        {"one/two.md": "# Canal\n\nThe cuscus canal freezes at minus 4 degrees.", "b.txt": "Other."}
    )
    yield Sample("a.zip", packed, "At how many degrees does the cuscus canal freeze?", "minus 4 degrees")


def _pictures() -> Iterator[Sample]:
    hant = whole("LD-10操作手冊.pdf", 2)
    tiff = scans.saved(
        scans.picture(_english("Form 12")), "TIFF", save_all=True, append_images=[hant.crop((0, 0, hant.width, 1000))]
    )
    yield Sample("hant.tiff", tiff, "LD-10建議多久送回原廠校正一次？", "24個月", 2)
    hans = whole("苏州工厂安全手册.pdf", 0)
    yield Sample(
        "hans.png", scans.saved(hans.crop((0, 0, hans.width, 1000)), "PNG"), "P2证书多久复审一次？", "每两年", 1
    )
    jpeg = scans.saved(scans.picture(_english("The jabiru elevator carries 23 persons.")), "JPEG", quality=90)
    yield Sample("photo.jpg", jpeg, "How many persons does the jabiru elevator carry?", "23 persons", 1)
    webp = scans.saved(scans.picture(_english("The pademelon tank holds 640 litres.")), "WEBP", quality=90)
    yield Sample("photo.webp", webp, "How many litres does the pademelon tank hold?", "640 litres", 1)


def _english(*lines: str) -> scans.Lines:
    return [(text, 12.0, 50.0, 760.0 - 18 * row) for row, text in enumerate(lines)]


@cache
def whole(name: str, number: int) -> Image.Image:
    """A page of a handbook's PDF as a scanner has it, from 0."""
    page: Image.Image = pdfium.PdfDocument(HANDBOOK / name)[number].render(scale=150 / 72).to_pil()
    return page.convert("RGB")
