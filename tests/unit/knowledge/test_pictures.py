"""Pictures and scanned pages: what is made of what an eye sees, and what is refused before it looks."""

import io

import pytest
from PIL import Image

from appliance.drivers.ocr.memory import KnowingEye
from appliance.drivers.ocr.port import Seen
from appliance.knowledge.parsing import errors
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.parsed import Parsed
from appliance.knowledge.parsing.read import read
from tests.factories import files, scans
from tests.factories.parsing import shown

LIMITS = ParseLimits(pages=3)


def piece(text: str, left: float, top: float, *, height: float = 20, sure: float = 0.99) -> Seen:
    return Seen(text, sure, left, top, left + 10 * len(text), top + height)


PAGE = [
    piece("Annual leave", 100, 50, height=40),
    piece("Everyone has 25 days of leave in the year and they", 100, 120),
    piece("lapse in March.", 100, 145, sure=0.62),
    piece("25", 400, 260),
    piece("Grade", 100, 231),
    piece("Days", 400, 230),
    piece("A", 100, 261),
    piece(" ", 500, 400),
]
READ = [
    ("heading", "Annual leave"),
    ("paragraph", "Everyone has 25 days of leave in the year and they lapse in March."),
    ("header_row", "Grade | Days"),
    ("row", "A | 25"),
]


def parsed(content: bytes, name: str, *answers: list[Seen]) -> Parsed:
    return read(io.BytesIO(content), name, LIMITS, KnowingEye(answers))


BLANK = Image.new("RGB", (800, 600), "white")
KINDS = [("PNG", "a.png"), ("JPEG", "a.jpg"), ("TIFF", "a.tif"), ("WEBP", "a.webp")]


def sure(document: Parsed) -> list[tuple[str, float]]:
    """What stands at each recognised line's place, and how sure it is."""
    return [(document.text[one.start : one.end], one.confidence) for one in document.recognised]


LINES = [
    ("Annual leave", 0.99),
    ("Everyone has 25 days of leave in the year and they", 0.99),
    ("lapse in March.", 0.62),
    ("Grade | Days", 0.99),
    ("A | 25", 0.99),
]


def test_each_line_keeps_its_place_and_how_sure_it_is() -> None:
    assert sure(parsed(scans.saved(BLANK, "PNG"), "a.png", PAGE)) == LINES
    wrapped = [piece("年假为每年十五天，未休", 10, 10, sure=0.7), piece("的天数可以结转。", 10, 34, sure=0.8)]
    document = parsed(scans.saved(BLANK, "PNG"), "a.png", wrapped)
    assert document.text == "年假为每年十五天，未休的天数可以结转。"
    assert sure(document) == [("年假为每年十五天，未休", 0.7), ("的天数可以结转。", 0.8)]
    assert parsed(b"text", "a.txt").recognised == ()


def test_of_several_pieces_of_a_line_the_least_sure_counts() -> None:
    row = [piece("Grade", 100, 30, sure=0.9), piece("Days", 400, 30, sure=0.55)]
    assert sure(parsed(scans.saved(BLANK, "PNG"), "a.png", row)) == [("Grade | Days", 0.55)]


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_a_picture_gives_headings_paragraphs_and_tables(kind: str, name: str) -> None:
    document = parsed(scans.saved(BLANK, kind), name, PAGE)
    assert document.media_type == f"image/{kind.lower()}"
    assert shown(document) == READ
    assert document.warnings == ("page 1: read with confidence 0.62: lapse in March.",)
    assert {block.page for block in document.blocks} == {1}


def test_each_picture_of_a_tiff_is_a_page_and_a_photo_is_turned_as_it_says() -> None:
    content = scans.saved(BLANK, "TIFF", save_all=True, append_images=[BLANK])
    document = parsed(content, "a.tiff", [piece("first page", 10, 10)], [piece("second page", 10, 10)])
    assert [(block.page, document.text[block.start : block.end]) for block in document.blocks] == [
        (1, "first page"),
        (2, "second page"),
    ]
    eye = KnowingEye([PAGE])
    turned = Image.Exif()
    turned[0x0112] = 6
    read(io.BytesIO(scans.saved(BLANK, "JPEG", exif=turned)), "a.jpg", LIMITS, eye)
    assert eye.shapes == [(800, 600, 3)]


def test_pages_without_a_text_layer_are_read_from_their_picture_and_the_others_are_not() -> None:
    document = parsed(scans.scanned(BLANK, "A page with a text layer"), "a.pdf", PAGE)
    assert shown(document) == [*READ, ("paragraph", "A page with a text layer")]
    assert document.blocks[-1].page == 2
    assert sure(document) == LINES
    assert document.warnings == ("page 1: read with confidence 0.62: lapse in March.",)


def test_a_picture_within_an_archive_is_read_too() -> None:
    content = files.archived({"a.txt": "Hello", "scan.png": scans.saved(BLANK, "PNG")})
    document = parsed(content, "a.zip", PAGE)
    assert shown(document)[3:] == [("heading", "Annual leave"), *READ[1:]]
    assert sure(document) == LINES
    with pytest.raises(errors.NeedsRecognition):
        read(io.BytesIO(content), "a.zip", LIMITS)


PNG = scans.saved(Image.effect_noise((300, 300), 50).convert("RGB"), "PNG")
HUGE = scans.saved(Image.new("1", (20_000, 20_000)), "PNG")
MANY = scans.saved(BLANK, "TIFF", save_all=True, append_images=[BLANK] * 3)
REFUSED = [
    ("bomb.png", HUGE, errors.ArchiveBomb),
    ("cut.png", PNG[: len(PNG) // 2], errors.Truncated),
    ("cut.jpg", scans.saved(BLANK, "JPEG")[:-200], errors.Truncated),
    ("broken.png", PNG[:20] + bytes(200), errors.Damaged),
    ("many.tif", MANY, errors.TooMuchText),
    ("blank.png", PNG, errors.NoTextLayer),
    ("blank.pdf", scans.scanned(BLANK), errors.NoTextLayer),
    ("picture.jpg", PNG, errors.Mislabelled),
    ("text.png", b"hello", errors.Mislabelled),
    ("word.tif", files.word(files.paragraph("Hi")), errors.Mislabelled),
]


@pytest.mark.parametrize(("name", "content", "expected"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_cannot_be_read_fails_with_its_own_reason(
    name: str, content: bytes, expected: type[errors.FileRefused]
) -> None:
    with pytest.raises(errors.FileRefused) as caught:
        parsed(content, name)
    assert type(caught.value) is expected
