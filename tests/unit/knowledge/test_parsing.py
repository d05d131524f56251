"""What is read from each format: blocks, heading paths, pages, exact offsets."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.knowledge.parsing import html, markdown, plain
from appliance.knowledge.parsing.errors import Damaged, FileRefused
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.parsed import Parsed, line_at
from appliance.knowledge.parsing.read import read
from tests.factories import files
from tests.factories.parsing import shown

LIMITS = ParseLimits()


def parsed(content: bytes, name: str) -> Parsed:
    return read(io.BytesIO(content), name, LIMITS)


MARKDOWN = """---
title: "The rules"
---
# Leave *policy*

Everyone has **25** days.
They lapse in March.

## Table

| Grade | Days |
|---|---|
| A | 25 |
| B | 30 |

- one
- two

```sh
ls
```

<div>raw</div>

Notes
-----
end
"""


def test_markdown_keeps_its_own_text_and_lines() -> None:
    document = parsed(MARKDOWN.replace("\n", "\r\n").encode(), "rules.md")
    assert document.text == MARKDOWN
    assert document.title == "The rules"
    assert [kind for kind, _ in shown(document)] == [
        *("paragraph", "heading", "paragraph", "heading", "header_row", "row", "row"),
        *("item", "item", "code", "paragraph", "heading", "paragraph"),
    ]
    row = next(block for block in document.blocks if document.text[block.start : block.end] == "| B | 30 |")
    assert row.path == ("Leave policy", "Table")
    assert line_at(document.text, row.start) == 14
    assert document.blocks[-1].path == ("Leave policy", "Notes")
    assert document.page_at(5) is None


def test_the_first_heading_is_the_title_of_markdown_without_front_matter() -> None:
    assert parsed(b"intro\n\n## Two ##\n\ntext", "a.md").title == "Two"
    assert parsed(b"---\nno end of front matter", "a.md").title == ""
    assert parsed(b"---\nkey: x\n---\nSetext\n===\n\ntext", "a.md").title == "Setext"


def test_text_is_cut_at_blank_lines_and_stays_as_it_is() -> None:
    document = parsed(b" One\nline\n \n\n\tTwo \n", "a.txt")
    assert shown(document) == [("paragraph", "One\nline"), ("paragraph", "Two")]
    assert document.media_type == "text/plain"


ENCODINGS = [
    ("utf-8", "年假为十五天。"),
    ("utf-8-sig", "年假为十五天。"),
    ("utf-16", "年假为十五天。"),
    ("utf-32", "年假为十五天。"),
    ("gb18030", "根据公司的规定，员工每年享有十五天的带薪年假，须提前两周向主管提出申请。" * 3),
    ("big5", "根據公司的規定，員工每年享有十五天的帶薪年假，須提前兩週向主管提出申請。" * 3),
    ("cp1252", "Le congé payé est de quinze jours ouvrés par année complète à l'entreprise."),
]


@pytest.mark.parametrize(("encoding", "text"), ENCODINGS)
def test_text_is_read_in_the_encodings_of_offices(encoding: str, text: str) -> None:
    assert parsed(text.encode(encoding), "a.txt").text == text


DECLARED = [("gb2312", "年假十五天"), ("big5", "年假十五天"), ("iso-8859-1", "congé"), ("unheard-of", "plain")]


@pytest.mark.parametrize(("encoding", "text"), DECLARED)
def test_a_page_is_read_in_the_encoding_that_it_declares(encoding: str, text: str) -> None:
    known = "ascii" if encoding == "unheard-of" else encoding
    page = f'<html><head><meta charset="{encoding}"></head><body><p>{text}</p></body></html>'
    assert parsed(page.encode(known), "a.html").text == text


def test_a_page_that_declares_a_wrong_encoding_is_guessed() -> None:
    page = f'<meta charset="ascii"><p>{ENCODINGS[4][1]}</p>'
    assert parsed(page.encode("gb18030"), "a.html").text == ENCODINGS[4][1]


HTML = """<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html><html><head><title>Prices
 2026</title><style>p {}</style></head><body><nav>Menu</nav><h1>Price<br>list</h1>
<p>First <b>bold</b>
 line.<br>Second&nbsp;line.</p><p hidden>Not shown</p><p style="display: none">Nor this</p>
<p>流量
计</p><ul><li>one<li>two<ul><li>three</ul></ul>
<h2>Meters</h2><table><thead><tr><th></th><th>Basic</th></tr></thead>
<tbody><tr><td>Hours<td>9 to <p>17</p><tr><td>Price</td><td><table><tr><td>1</td><td>2</td></tr></table></td></tr>
<tr><td></td></tr></table>
<pre>  a
  b</pre><img alt="A meter">tail<script>alert(1)</script> after <!-- comment --></body></html>"""


def test_a_page_gives_what_a_reader_sees() -> None:
    document = parsed(HTML.encode(), "prices.html")
    assert document.title == "Prices 2026"
    assert shown(document) == [
        ("heading", "Price list"),
        ("paragraph", "First bold line.\nSecond line."),
        ("paragraph", "流量计"),
        ("item", "one"),
        ("item", "two"),
        ("item", "three"),
        ("heading", "Meters"),
        ("header_row", "| Basic"),
        ("row", "Hours | 9 to 17"),
        ("row", "Price | 1 2"),
        ("code", "a\n  b"),
        ("paragraph", "A meter tail after"),
    ]
    assert document.blocks[-1].path == ("Price list", "Meters")


def test_bytes_that_look_like_a_page_are_a_page_whatever_their_name() -> None:
    assert parsed(b"  <!DOCTYPE html><p>Hi", "page").media_type == "text/html"
    assert parsed(b"<p>Hi", "page").media_type == "text/plain"


def test_a_page_nested_ten_thousand_deep_is_refused_rather_than_read_in_part() -> None:
    deep = "<div>" * 10_000 + "bottom" + "</div>" * 10_000
    with pytest.raises(Damaged):
        parsed(f"<html><p>top</p>{deep}".encode(), "deep.html")
    deep = "<div>" * 1_000 + "bottom" + "</div>" * 1_000
    assert "bottom" in parsed(f"<html><p>top</p>{deep}".encode(), "deep.html").text


WORD = (
    files.paragraph("Handbook", "Title")
    + files.paragraph("Leave", "Sub")
    + "<w:p><w:r><w:t>Every</w:t><w:t>one</w:t><w:tab/><w:t>has</w:t><w:noBreakHyphen/><w:t>25</w:t><w:br/>"
    + "<w:t>days.</w:t></w:r>"
    + "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"
    + files.paragraph("one", properties="<w:numPr/>")
    + files.paragraph("two", properties="<w:numPr/>")
    + files.paragraph("Deeper", "Deep")
    + files.paragraph("plain", "Loop")
    + files.paragraph("direct", properties='<w:outlineLvl w:val="1"/>')
    + files.paragraph("body level", properties='<w:outlineLvl w:val="9"/>')
    + files.table(("", "Days"), ("A", "25"), ("", ""))
    + "<w:sdt><w:sdtContent>"
    + files.paragraph("in a control")
    + "</w:sdtContent></w:sdt>"
    + "<w:tbl><w:tr><w:tc><w:tbl><w:tr><w:tc>"
    + files.paragraph("inner")
    + "</w:tc></w:tr></w:tbl></w:tc></w:tr></w:tbl>"
)
CORE = '<p xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The handbook</dc:title></p>'
NOTES = f'<w:footnotes xmlns:w="{files.W}">{files.paragraph("A note.")}</w:footnotes>'


def test_a_word_document_gives_headings_lists_tables_and_notes() -> None:
    document = parsed(files.word(WORD, docProps__core_xml=CORE, word__footnotes_xml=NOTES), "a.docx")
    assert document.title == "The handbook"
    assert shown(document) == [
        ("heading", "Handbook"),
        ("heading", "Leave"),
        ("paragraph", "Everyone has-25\ndays."),
        ("item", "one"),
        ("item", "two"),
        ("heading", "Deeper"),
        ("paragraph", "plain"),
        ("heading", "direct"),
        ("paragraph", "body level"),
        ("header_row", "| Days"),
        ("row", "A | 25"),
        ("paragraph", "in a control"),
        ("header_row", "inner"),
        ("paragraph", "A note."),
    ]
    assert [block.level for block in document.blocks if block.kind == "heading"] == [1, 1, 3, 2]


def test_a_word_document_without_styles_or_a_name_is_read() -> None:
    bare = files.archived({"word/document.xml": f'<w:d xmlns:w="{files.W}">{files.paragraph("Hi", "1")}</w:d>'})
    assert shown(parsed(bare, "letter")) == [("paragraph", "Hi")]


def test_a_strict_word_document_is_read() -> None:
    strict = f'<w:d xmlns:w="http://purl.oclc.org/ooxml/wordprocessingml/main">{files.paragraph("Hi")}</w:d>'
    assert parsed(files.archived({"word/document.xml": strict}), "a.docx").text == "Hi"


def page(number: int, *lines: str) -> list[tuple[str, float, float, float]]:
    body = [(line, 10.0, 50.0, 740.0 - 14 * place) for place, line in enumerate(lines)]
    return [("Company rules", 8, 50, 800), *body, (f"page {number}", 8, 300, 20)]


PAGES = (
    [
        ("Company rules", 8, 50, 800),
        ("Leave", 18, 50, 760),
        ("Everyone has 25 days of leave in the year, and they", 10, 50, 730),
        ("lapse in March.", 10, 50, 716),
        ("They are asked for in the portal, two weeks before the first.", 10, 50, 702),
        ("Another paragraph begins here.", 10, 50, 670),
        ("- first", 10, 50, 650),
        ("- second", 10, 50, 636),
        ("Grade", 10, 50, 600),
        ("Days", 10, 200, 600),
        ("A", 10, 50, 586),
        ("25", 10, 200, 586),
        ("page 1", 8, 300, 20),
    ],
    page(2, "年假为每年十五天，未休", "的天数可以结转。"),
    page(3, "The end of it."),
)


def test_a_pdf_gives_pages_paragraphs_headings_and_tables() -> None:
    document = parsed(files.pdf(*PAGES, title="Rules"), "rules.pdf")
    assert document.title == "Rules"
    assert shown(document) == [
        ("heading", "Leave"),
        ("paragraph", "Everyone has 25 days of leave in the year, and they lapse in March."),
        ("paragraph", "They are asked for in the portal, two weeks before the first."),
        ("paragraph", "Another paragraph begins here."),
        ("item", "- first"),
        ("item", "- second"),
        ("header_row", "Grade | Days"),
        ("row", "A | 25"),
        ("paragraph", "年假为每年十五天，未休的天数可以结转。"),
        ("paragraph", "The end of it."),
    ]
    assert [block.page for block in document.blocks] == [1] * 8 + [2, 3]
    assert all(document.page_at(block.start) == block.page for block in document.blocks)


def test_an_empty_page_keeps_the_count_of_pages_right() -> None:
    document = parsed(files.pdf([("First page of all", 10, 50, 700)], [], [("Third page", 10, 50, 700)]), "a.pdf")
    assert [document.page_at(block.start) for block in document.blocks] == [1, 3]
    assert len(document.pages) == 3


@settings(max_examples=200, deadline=None)
@given(
    st.text(alphabet=st.sampled_from("ab <>/pdivtrh1#|-*\n年。`\t"), max_size=200),
    st.sampled_from(["a.md", "a.html", "a.txt"]),
)
def test_whatever_is_in_a_file_blocks_are_in_order_visible_and_within_the_text(text: str, name: str) -> None:
    try:
        document = parsed(text.encode(), name)
    except FileRefused:
        return
    edges = [edge for block in document.blocks for edge in (block.start, block.end)]
    assert edges == sorted(edges)
    for block in document.blocks:
        body = document.text[block.start : block.end]
        assert body == body.strip() != ""


@given(st.text(max_size=300))
def test_the_parsers_of_text_take_every_text(text: str) -> None:
    for parse in (plain.parse, markdown.parse, html.parse):
        try:
            document = parse(text, LIMITS)
        except FileRefused:
            continue
        assert "\x00" not in document.text
        document.text.encode()
