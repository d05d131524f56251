"""Text in the encodings of offices, separated values and JSON: what is read, and where it lies."""

import io

import pytest

from appliance.knowledge.parsing import errors
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.parsed import Parsed
from appliance.knowledge.parsing.read import read
from tests.factories.parsing import refusal, shown

LIMITS = ParseLimits(text=200_000)
SIMPLIFIED = "年假为每年十五天，须提前两周申请。"
TRADITIONAL = "年假為每年十五天，須提前兩週申請。"


def parsed(content: bytes, name: str) -> Parsed:
    return read(io.BytesIO(content), name, LIMITS)


ENCODED = [
    ("gb18030", SIMPLIFIED),
    ("gb18030", "公司的规定"),
    ("gb18030", TRADITIONAL),
    ("big5", TRADITIONAL),
    ("big5", "公司的規定"),
    ("utf-16-le", SIMPLIFIED),
    ("utf-16-be", TRADITIONAL),
    ("utf-16-le", "Leave\r\n\r\nAsk in the portal."),
    ("utf-16-be", "Leave: 15 days"),
    ("cp932", "年次有給休暇は十五日です。"),
    ("euc_jp", "年次有給休暇は十五日です。"),
    ("cp949", "연차 휴가는 매년 십오일입니다."),
    ("cp1252", "Le congé payé est de quinze jours, à demander au préalable."),
    ("cp1251", "Ежегодный отпуск составляет пятнадцать дней, о нём просят заранее."),
]


@pytest.mark.parametrize(("encoding", "text"), ENCODED)
def test_short_texts_without_a_mark_are_read_in_their_encoding(encoding: str, text: str) -> None:
    assert parsed(text.encode(encoding), "a.txt").text == text.replace("\r\n", "\n")


def test_a_last_letter_beyond_ascii_is_no_sign_that_the_file_was_cut() -> None:
    assert parsed("Le congé".encode("cp1252"), "a.txt").text == "Le congé"


@pytest.mark.parametrize("name", ["stock.csv", "stock.tsv"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_separated_values_are_rows_below_their_header(name: str, delimiter: str) -> None:
    if name.endswith("tsv") and delimiter != "\t":
        delimiter = "\t"
    lines = ['Part,Price,"Stock, ""now"""', 'P-1,"9.50\n(net)",3', "", ",12,", "P-3,1,"]
    table = "\r\n".join(line.replace(",", delimiter) for line in lines).replace(f"Stock{delimiter}", "Stock,")
    document = parsed(table.encode(), name)
    assert shown(document) == [
        ("header_row", 'Part | Price | Stock, "now"'),
        ("row", "P-1 | 9.50 (net) | 3"),
        ("row", "| 12"),
        ("row", "P-3 | 1"),
    ]
    assert document.text.count("\n") == 3


def test_titles_above_a_table_and_a_second_table_below_it_are_told_apart() -> None:
    rows = "Prices 2026\n\nPart,Price\nP-1,9\n\nP-2,8\n\nSite,City\nMain,Wien\n\nend of file\n"
    assert shown(parsed(rows.encode(), "a.csv")) == [
        ("paragraph", "Prices 2026"),
        ("header_row", "Part | Price"),
        ("row", "P-1 | 9"),
        ("row", "P-2 | 8"),
        ("header_row", "Site | City"),
        ("row", "Main | Wien"),
        ("row", "end of file"),
    ]


def test_what_excel_says_of_its_delimiter_is_believed_and_text_behind_a_quote_is_kept() -> None:
    assert parsed(b"sep=;\na,b;c\n", "a.csv").text == "a,b | c"
    assert parsed(b'a,"b" c\nd,e\n', "a.csv").text == "a | b c\nd | e"


def test_chinese_tables_in_their_own_encodings_are_read() -> None:
    assert parsed("零件,价格\n流量计,九十\n".encode("gb18030"), "a.csv").text == "零件 | 价格\n流量计 | 九十"
    assert parsed("零件\t價格\n流量計\t九十\n".encode("utf-16"), "a.tsv").text == "零件 | 價格\n流量計 | 九十"


RECORDS = """{"title": "Sites", "count": 2, "open": true, "none": null, "tags": ["a", 1],
"sites": [{"name": "Main", "address": {"city": "Wien", "floors": [{"no": 1}, {"no": 2}]}}, {"name": "Depot"}],
"by": {"region": {"east": {"head": "Li"}}}}"""


def test_json_gives_a_passage_a_record_each_value_behind_its_path() -> None:
    document = parsed(RECORDS.encode(), "sites.json")
    assert document.title == "Sites"
    assert shown(document) == [
        ("paragraph", "title: Sites; count: 2; open: true; tags: a, 1"),
        ("heading", "sites"),
        ("paragraph", "name: Main; address.city: Wien; address.floors.no: 1; address.floors.no: 2"),
        ("paragraph", "name: Depot"),
        ("heading", "by"),
        ("heading", "region"),
        ("paragraph", "east.head: Li"),
    ]
    assert document.blocks[-1].path == ("by", "region")
    assert parsed(b'["one", "two"]', "a.json").text == "one, two"
    assert parsed(b'"just words"', "a.json").text == "just words"


def test_a_long_record_has_a_line_for_each_value() -> None:
    assert parsed(b'{"a": "%s", "b": 1}' % (b"x" * 200), "a.json").text == f"a: {'x' * 200}\nb: 1"


def test_json_lines_give_a_passage_a_line() -> None:
    lines = '{"q": "一", "a": 1}\n\n{"q": "二\\u2028x"}\n'
    assert parsed(lines.encode("utf-8-sig"), "a.jsonl").text == "q: 一; a: 1\n\nq: 二 x"


REFUSED = [
    ("cut.csv", b'a,b\nc,"d', errors.Truncated),
    ("cut.json", b'{"a": [1, 2', errors.Truncated),
    ("cut-word.json", b'{"a": "wor', errors.Truncated),
    ("broken.json", b'{"a": 1,, "b": 2}', errors.Damaged),
    ("broken.jsonl", b'{"a": 1}\nno json\n{"b": 2}', errors.Damaged),
    ("deep.json", b"[" * 100_000 + b"]" * 100_000, errors.Damaged),
    ("number.json", b"9" * 10_000, errors.Damaged),
    ("silent.json", b'{"a": null, "b": []}', errors.NoText),
    ("silent.csv", b",,,\n,,\n", errors.NoText),
    ("wordy.csv", b"a," * 100_001, errors.TooMuchText),
    ("wordy.json", b'"' + b"a" * 200_000 + b'"', errors.TooMuchText),
    ("program.csv", b"\x7fELF\x02\x01\x01\x00" + bytes(30), errors.Mislabelled),
    ("page.json", b"%PDF-1.7\n", errors.Mislabelled),
    ("wide.txt", "年假为每年十五天".encode("utf-16-le") + b"\x00", errors.Truncated),
]


@pytest.mark.parametrize(("name", "content", "expected"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_cannot_be_read_fails_with_its_own_reason(
    name: str, content: bytes, expected: type[errors.FileRefused]
) -> None:
    assert refusal(content, name, LIMITS) is expected
