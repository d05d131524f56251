"""Where passages stand on their pages, held against what is dark there when the page is rendered."""

import io
from pathlib import Path

import pypdfium2 as pdfium
import pytest

from appliance.drivers.ocr.memory import KnowingEye
from appliance.drivers.ocr.port import Seen
from appliance.knowledge.boxes import MOST, Box, boxes, sheet, stored
from appliance.knowledge.confidence import Ordered
from appliance.knowledge.parsing.errors import Unreadable
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.message import answered, believed
from appliance.knowledge.parsing.parsed import Parsed, spot
from appliance.knowledge.parsing.read import read
from tests.factories import files, scans
from tests.factories.files import archived
from tests.factories.ink import Edges, encloses, ink, rendered, turned

HANDBOOK = Path(__file__).parents[3] / "docs/handbook/documents"
SENTENCE = "The pump is serviced every 37 weeks by the mechanic on duty."
SLACK = 0.012
"""Fractions of a page: a line's box has the height of its font, some points more than its letters."""


def parsed(content: bytes, name: str, *answers: list[Seen]) -> Parsed:
    document = read(io.BytesIO(content), name, ParseLimits(), KnowingEye(answers))
    assert believed(answered(document)) == document, "it crosses the pipe as it is"
    return document


def found(document: Parsed, sentence: str) -> tuple[Box, ...]:
    """As a citation of this sentence has them."""
    start = document.text.index(sentence)
    end = start + len(sentence)
    block = next(one for one in document.blocks if one.start <= start < one.end)
    lines = stored(Ordered(document.placed).within(block.start, block.end))
    return boxes(sheet(block.page, lines), (start, end))


def edges(box: Box) -> Edges:
    return box.x0, box.y0, box.x1, box.y1


@pytest.mark.parametrize("size", [9.0, 12.0, 30.0])
@pytest.mark.parametrize(
    ("degrees", "crop"),
    [(0, None), (90, None), (180, None), (270, None), (0, (30, 200, 560, 830)), (90, (30, 200, 560, 830))],
)
def test_a_line_of_a_pdf_is_where_it_is_shown(
    size: float, degrees: int, crop: tuple[float, float, float, float] | None
) -> None:
    content = turned(files.pdf([(SENTENCE[:30], size, 60, 480)]), degrees, crop)
    (box,) = found(parsed(content, "a.pdf"), SENTENCE[:30].strip())
    assert box.page == 1
    assert encloses(edges(box), ink(rendered(content)), SLACK * max(size / 9, 1))


def test_a_sentence_of_the_handbook_is_where_pdfium_finds_it() -> None:
    content = (HANDBOOK / "xr-200-manual.pdf").read_bytes()
    document = parsed(content, "xr-200-manual.pdf")
    checked = 0
    opened = pdfium.PdfDocument(content)
    for number in range(len(opened)):
        page = opened[number]
        width, height = page.get_size()
        layer = page.get_textpage()
        for block in (one for one in document.blocks if one.page == number + 1 and one.kind == "paragraph"):
            words = document.text[block.start : block.end].split(" ")
            first = " ".join(words[:3])
            match = layer.search(first, match_case=True).get_next()
            if match is None or layer.count_rects(*match) != 1 or document.text.count(first) > 1:
                continue
            left, bottom, right, top = layer.get_rect(0)
            inner = left / width, 1 - top / height, right / width, 1 - bottom / height
            outer = found(document, first)[0]
            assert outer.page == number + 1
            assert outer.x0 - 0.002 <= inner[0] <= outer.x0 + SLACK, first
            assert outer.x1 >= inner[2] - 0.002, first
            assert encloses((0, outer.y0, 1, outer.y1), (0, inner[1], 1, inner[3]), SLACK), first
            checked += 1
    assert checked >= 5


def test_a_passage_has_a_box_for_each_column_and_a_quote_those_of_its_lines() -> None:
    left = [f"{word} of the left column stands in this line, which is" for word in ("One", "Two", "Three")]
    right = [f"{word} of the right column stands in this line too." for word in ("Four", "Five", "Six")]
    lines = [(text, 10.0, 50.0, 700.0 - 14 * row) for row, text in enumerate(left)]
    lines += [(text, 10.0, 320.0, 700.0 - 14 * row) for row, text in enumerate(right)]
    content = files.pdf(lines)
    document = parsed(content, "a.pdf")
    image = rendered(content)
    whole = boxes(sheet(1, stored(document.placed)))
    assert len(whole) == 2
    assert encloses(edges(whole[0]), ink(image, (0, 0, 0.53, 1)), SLACK)
    assert encloses(edges(whole[1]), ink(image, (0.53, 0, 1, 1)), SLACK)
    (one,) = found(document, "Two of the left")
    assert whole[0].x0 == one.x0 < one.x1 < whole[0].x1
    assert whole[0].y0 < one.y0 < one.y1 < whole[0].y1


def test_what_is_in_a_file_within_a_file_is_on_the_page_of_that() -> None:
    content = files.pdf([("Another page, which says nothing of it.", 12, 60, 700)], [(SENTENCE, 12, 60, 480)])
    alone = found(parsed(content, "a.pdf"), SENTENCE)
    assert [box.page for box in alone] == [2]
    assert (
        found(parsed(archived({"letter.txt": "Two pumps.\n\nSee below.", "x/a.pdf": content}), "a.zip"), SENTENCE)
        == alone
    )


def test_what_has_no_pages_has_no_boxes() -> None:
    assert parsed(b"# Pumps\n\nThe pump is blue.", "a.md").placed == ()
    assert boxes(sheet(None, None)) == boxes(sheet(1, None)) == boxes(sheet(1, [])) == ()


PICTURE = Seen(SENTENCE, 0.99, 100, 50, 700, 80)


def test_a_line_of_a_picture_is_where_it_was_seen() -> None:
    blank = scans.saved(scans.picture([]), "PNG")
    side = scans.picture([]).width
    (box,) = found(parsed(blank, "a.png", [PICTURE]), SENTENCE)
    told = [round(edge * side) for edge in edges(box)]
    assert told == [100, 50, 700, 80]
    halves = [
        Seen("The pump is serviced every 37 weeks", 0.9, 100, 52, 400, 80),
        Seen("by the mechanic on duty.", 0.9, 410, 50, 700, 78),
    ]
    (box,) = found(parsed(blank, "a.png", halves), SENTENCE)
    assert [round(edge * side) for edge in edges(box)] == [100, 50, 700, 80], "all pieces of the line are in it"


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_page_that_was_turned_to_be_read_is_turned_back(turns: int) -> None:
    page = scans.page([(SENTENCE, 14, 60, 700)], dpi=75)
    upright = ink(page)
    width, height = page.size
    left, top, right, bottom = upright
    seen = Seen(SENTENCE, 0.9, left * width, top * height, right * width, bottom * height, turns)
    lying = page.rotate(-90 * turns, expand=True)
    (box,) = found(parsed(scans.saved(lying, "PNG"), "a.png", [seen]), SENTENCE)
    assert encloses(edges(box), ink(lying), 0.002)


def line(at: int, left: int, top: int, right: int, bottom: int) -> list[int]:
    return [10 * at, 10 * at + 9, left, top, right, bottom]


def test_lines_become_boxes_in_the_order_in_which_they_are_read() -> None:
    heading = line(0, 1000, 500, 9000, 800)
    first = [line(1 + row, 1000, 1000 + 300 * row, 4800, 1200 + 300 * row) for row in range(3)]
    second = [line(4 + row, 5200, 1000 + 300 * row, 9000, 1200 + 300 * row) for row in range(2)]
    assert boxes([(3, [heading, *first, *second])]) == (Box(3, 0.1, 0.05, 0.9, 0.18), Box(3, 0.52, 0.1, 0.9, 0.15))
    assert boxes([(3, first[:1]), (4, second)]) == (Box(3, 0.1, 0.1, 0.48, 0.12), Box(4, 0.52, 0.1, 0.9, 0.15))
    assert boxes([(3, first), (3, second)]) == (Box(3, 0.1, 0.1, 0.48, 0.18), Box(3, 0.52, 0.1, 0.9, 0.15))
    assert boxes([(3, first)], (20, 21)) == (Box(3, 0.1, 0.13, 0.48, 0.15),)
    assert boxes([(3, first)], (19, 20)) == (), "between two lines"
    scattered = [line(n, 1000 * (n % 2) + 100, 100 * n, 1000 * (n % 2) + 900, 100 * n + 90) for n in range(MOST + 1)]
    assert boxes([(1, scattered)]) == (Box(1, 0.01, 0.0, 0.19, 0.069),)


def test_what_has_no_part_on_the_page_has_no_place() -> None:
    assert spot(0.1, 0.2, 0.3, 0.4) == (1000, 2000, 3000, 4000)
    assert spot(-0.5, -0.1, 1.5, 0.4) == (0, 0, 10_000, 4000)
    assert spot(1.1, 0.2, 1.3, 0.4) is None
    assert spot(0.1, 0.2, 0.3, 0.2) is None


@pytest.mark.parametrize(
    "placed",
    [
        [[0, 5, 0, 0, 10_001, 10]],
        [[0, 5, -1, 0, 10, 10]],
        [[0, 5, 10, 0, 10, 10]],
        [[5, 5, 0, 0, 10, 10]],
        [[0, 5, 0, 0, 10, 10], [4, 6, 0, 0, 10, 10]],
        [[0, 50, 0, 0, 10, 10]],
        [[0, 5, 0, 0, 10]],
        [["a", 5, 0, 0, 10, 10]],
        [[0, 5, 0, 0, 10, None]],
        [[0, 5, 0, 0, 10, 10.5]],
        None,
    ],
)
def test_a_place_that_cannot_be_is_not_believed(placed: object) -> None:
    good = answered(parsed(b"Hello there", "a.txt"))
    with pytest.raises(Unreadable):
        believed({**good, "placed": placed})
