"""Columns on scans: told from tables, and read one after the other."""

from dataclasses import replace

import pytest

from appliance.drivers.ocr.port import Seen
from appliance.knowledge.parsing.columns import columns, rows

HEIGHT = 30.0


def line(text: str, left: float, top: float, width: float = 500) -> Seen:
    return Seen(text, 0.99, left, top, left + width, top + HEIGHT)


def column(name: str, left: float, count: int, *, top: float = 200, last: float = 500, step: float = 38) -> list[Seen]:
    """Lines of running text; the last one is shorter."""
    widths = [500.0] * (count - 1) + [last]
    return [line(f"{name}{n}", left, top + step * n, width) for n, width in enumerate(widths)]


def read(*pieces: Seen) -> str:
    """The texts in the order in which they are read; a bar between parts."""
    return " | ".join(" ".join(one.text for row in rows(part) for one in row) for part in columns(pieces))


def test_two_columns_are_read_one_after_the_other() -> None:
    assert read(*column("a", 100, 4), *column("b", 640, 4)) == "a0 a1 a2 a3 | b0 b1 b2 b3"


def test_lines_that_do_not_stand_at_one_height_change_nothing() -> None:
    assert read(*column("a", 100, 4), *column("b", 640, 4, top=215)) == "a0 a1 a2 a3 | b0 b1 b2 b3"


def test_what_stands_over_both_columns_comes_before_them_and_what_stands_below_after_them() -> None:
    title, foot = line("title", 300, 100, 700), line("foot", 200, 500, 900)
    assert read(*column("a", 100, 3), foot, *column("b", 640, 3), title) == "title | a0 a1 a2 | b0 b1 b2 | foot"


def test_a_heading_over_both_ends_the_columns_above_it() -> None:
    upper = [*column("a", 100, 3), *column("b", 640, 3)]
    lower = [*column("c", 100, 3, top=500), *column("d", 640, 3, top=500)]
    found = read(*upper, line("heading", 100, 420, 900), *lower)
    assert found == "a0 a1 a2 | b0 b1 b2 | heading | c0 c1 c2 | d0 d1 d2"


def test_three_columns() -> None:
    pieces = [*column("a", 100, 3), *column("b", 640, 3), *column("c", 1180, 3)]
    assert read(*pieces) == "a0 a1 a2 | b0 b1 b2 | c0 c1 c2"


def test_the_last_column_may_be_short() -> None:
    assert read(*column("a", 100, 5), *column("b", 640, 2, last=200)) == "a0 a1 a2 a3 a4 | b0 b1"


def table(*widths: float, step: float = 38) -> list[Seen]:
    lefts = [100 + sum(widths[:number]) + 60 * number for number in range(len(widths))]
    part = (1.0, 0.4, 0.7, 0.3, 0.5)
    return [
        line(f"{'abc'[c]}{r}", left, 200 + step * r, widths[c] * part[(r + c) % len(part)])
        for r in range(5)
        for c, left in enumerate(lefts)
    ]


BY_ROWS = "a0 b0 a1 b1 a2 b2 a3 b3 a4 b4"


@pytest.mark.parametrize("widths", [(150, 150), (500, 150), (500, 500)], ids=str)
def test_a_table_is_read_by_its_rows(widths: tuple[float, float]) -> None:
    assert read(*table(*widths)) == BY_ROWS


def test_rows_that_stand_apart_are_a_tables_however_full_their_cells_are() -> None:
    assert read(*column("a", 100, 5, step=60), *column("b", 640, 5, step=60)) == BY_ROWS


def test_columns_of_short_paragraphs_are_columns_since_their_rows_do_not_stand_beside_each_other() -> None:
    left = [line(f"a{n}", 100, top, width) for n, (top, width) in enumerate(ragged(0))]
    right = [line(f"b{n}", 640, top, width) for n, (top, width) in enumerate(ragged(17))]
    assert read(*left, *right) == "a0 a1 a2 a3 a4 a5 | b0 b1 b2 b3 b4 b5"


def ragged(shift: int) -> list[tuple[float, float]]:
    """Headings, a line each, and paragraphs of a line and a half, below each other."""
    return [(100 + shift * 2.5, 150), (160 + shift, 480), (198 + shift, 200), (270, 130), (330 + shift, 500), (368, 90)]


def test_a_table_on_a_slanted_page_is_read_by_its_rows() -> None:
    slanted = [replace(one, top=one.top + one.left / 60, bottom=one.bottom + one.left / 60) for one in table(500, 500)]
    assert read(*slanted) == BY_ROWS


def test_a_table_with_cells_of_two_lines_is_read_by_its_rows() -> None:
    names = [line(f"a{n}", 100, 200 + 90.0 * n, 400 - 60 * n) for n in range(4)]
    told = [line(f"b{n}", 640, 200 + 90.0 * (n // 2) + 38 * (n % 2), 480 - 100 * (n % 2)) for n in range(8)]
    assert read(*names, *told) == "a0 b0 b1 a1 b2 b3 a2 b4 b5 a3 b6 b7"


def test_a_table_below_columns_is_read_by_its_rows() -> None:
    text = [*column("a", 100, 3, top=-200), *column("b", 640, 3, top=-200)]
    assert read(*text, line("heading", 100, 0, 900), *table(150, 150)).endswith(f"b2 | heading {BY_ROWS}")


def test_one_column_of_text_is_one_part() -> None:
    assert read(*column("a", 100, 5, last=100)) == "a0 a1 a2 a3 a4"
    assert read() == ""
