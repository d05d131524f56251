"""Text recognition for real: in a process of its own, behind the same walls, started by the first scan."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from appliance.knowledge.parsing import errors
from appliance.knowledge.parsing.host import ParserHost
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.parsed import FINE, Parsed
from tests.factories import every, scans
from tests.factories.ink import Edges, encloses, ink

LINES = [
    ("Everyone has 25 days of annual leave.", 11, 50, 760),
    ("Grade", 11, 50, 720),
    ("Days", 11, 200, 720),
    ("A", 11, 50, 704),
    ("25", 11, 200, 704),
]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ParserHost]:
    """Whose eyes open once: that takes seconds."""
    with ParserHost(ParseLimits(seconds=30), tmp_path_factory.mktemp("parser") / "log") as opened:
        yield opened


def test_a_scan_that_lies_on_its_side_is_read_and_what_needs_no_eyes_waits_for_none(
    host: ParserHost, tmp_path: Path
) -> None:
    path = tmp_path / "blob"
    path.write_bytes(b"after")
    assert host.parse(path, "a.txt").text == "after"
    assert host._eyes is not None
    assert host._eyes._child is None
    page = scans.picture(LINES)
    path.write_bytes(scans.saved(page.rotate(90, expand=True), "PNG"))
    document = host.parse(path, "a.png")
    assert document.text.split("\n\n") == ["Everyone has 25 days of annual leave.", "Grade | Days\nA | 25"]
    assert [document.text[one.start : one.end] for one in document.recognised] == document.text.replace(
        "\n\n", "\n"
    ).split("\n")
    assert all(0.8 < one.confidence <= 1 for one in document.recognised)
    assert encloses(around(document), ink(page.rotate(90, expand=True)), 0.02), "of the page as it lies"
    path.write_bytes(scans.saved(page, "PNG")[:-5000])
    with pytest.raises(errors.Truncated):
        host.parse(path, "a.png")


def around(document: Parsed) -> Edges:
    """A box around all lines of its only page."""
    lefts, tops, rights, bottoms = zip(*(one.spot for one in document.placed), strict=True)
    return min(lefts) / FINE, min(tops) / FINE, max(rights) / FINE, max(bottoms) / FINE


def test_a_sentence_on_a_scan_is_where_its_ink_is(host: ParserHost, tmp_path: Path) -> None:
    sentence, other = LINES[0][0], "Another line says nothing of it."
    page = scans.page([(sentence, 14, 80, 600), (other, 14, 80, 300)])
    path = tmp_path / "blob"
    path.write_bytes(scans.scanned(page))
    document = host.parse(path, "a.pdf")
    assert [document.text[one.start : one.end] for one in document.placed] == [sentence, other]
    edges = [edge / FINE for edge in document.placed[0].spot]
    assert encloses((edges[0], edges[1], edges[2], edges[3]), ink(page, (0, 0, 1, 0.5)), 0.015)


def recognised(host: ParserHost, tmp_path: Path, page: Image.Image) -> Parsed:
    path = tmp_path / "blob"
    path.write_bytes(scans.saved(page, "PNG"))
    return host.parse(path, "a.png")


LEFT = [
    "The quarry opens at dawn. Drivers wait behind",
    "the yellow barrier until the horn was blown",
    "twice. Nobody enters on foot. The gravel that",
    "is carried to the harbour is weighed at the",
]
RIGHT = [
    "southern gate by two persons. The fence of",
    "the quarry is inspected every 43 days by the",
    "warden, who keeps the key and the book.",
]


def test_two_columns_of_english_are_read_one_after_the_other(host: ParserHost, tmp_path: Path) -> None:
    lines = [("Quarry rules", 20.0, 220.0, 800.0)]
    lines += [(text, 11.0, 50.0, 740.0 - 14 * row) for row, text in enumerate(LEFT)]
    lines += [(text, 11.0, 310.0, 740.0 - 14 * row) for row, text in enumerate(RIGHT)]
    page = scans.page(lines)
    document = recognised(host, tmp_path, page.crop((0, 0, page.width, 400)).rotate(0.4, fillcolor="white"))
    assert document.text == f"Quarry rules\n\n{' '.join(LEFT + RIGHT)}"


def test_two_columns_of_chinese_are_read_one_after_the_other(host: ParserHost, tmp_path: Path) -> None:
    """Two pages of a book, side by side on one sheet."""
    first, second = (every.whole("苏州工厂安全手册.pdf", number).crop((100, 100, 1140, 1000)) for number in (0, 2))
    sheet = Image.new("RGB", (first.width * 2, first.height), "white")
    sheet.paste(first, (0, 0))
    sheet.paste(second, (first.width, 0))
    text = recognised(host, tmp_path, sheet.resize((sheet.width * 3 // 4, sheet.height * 3 // 4))).text
    assert "压力试验台必须两人操作，其中至少一人持有P2证书。证书每两年复审一次。" in text
    assert "拨打厂内急救电话8120。所有工伤须在24小时内填写事故报告单" in text
    assert text.index("上岗资格") < text.index("事故报告")
