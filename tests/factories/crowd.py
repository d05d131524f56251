"""Many files as companies have them: all kinds, and one in twenty that must be refused, each with its own reason."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final

from tests.factories import files, office

SEED: Final = 20261126
HOSTILE_IN: Final = 20
PAGES: Final = 10_000
TABLE_BYTES: Final = 100_000_000
_ROW: Final = b"2026-11-26,Rotterdam,XR-200,2480,EUR,delivered\n"
_LEVELS: Final = 12
_LETTERS: Final = str.maketrans("0123456789", "abcdefghij")


@dataclass(frozen=True, slots=True)
class File:
    """A file, the word by which it is found, and the code with which it must be refused; None: it is good."""

    name: str
    content: bytes
    word: str
    refused: str | None = None


def crowd(count: int) -> Iterator[File]:
    """So many files in an order that chance chose once; one in twenty is hostile, the kinds of them by turns."""
    order = random.Random(SEED)
    hostile = set(order.sample(range(count), count // HOSTILE_IN))
    good, bad = list(GOOD), list(HOSTILE)
    order.shuffle(good)
    order.shuffle(bad)
    turn = 0
    for number in range(count):
        if number in hostile:
            name, make, code = bad[turn % len(bad)]
            turn += 1
            yield File(f"{number:04}-{name}", make(number), "", code)
        else:
            name, write = good[number % len(good)]
            word = f"quokka{str(number).translate(_LETTERS)}z"  # so that no stem is another's
            yield File(f"{number:04}-{name}", write(word, number), word)


def many_pages(count: int = PAGES) -> bytes:
    """A PDF of so many pages that share one line of text; small as a file."""
    line = b"BT /F1 12 Tf 50 700 Td (The same line on each page of this file.) Tj ET"
    fonts = b"<< /Font << /F1 3 0 R >> >>"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources %s >>" % fonts
    kids = b" ".join(b"%d 0 R" % number for number in range(5, 5 + count))
    return _pdf(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (count, kids),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(line), line),
        *[page] * count,
    )


def looping_pages() -> bytes:
    """A PDF whose tree of pages has itself as its only child."""
    return _pdf(b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 1 /Kids [2 0 R] >>")


def _pdf(*objects: bytes) -> bytes:
    body = bytearray(b"%PDF-1.7\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    body += b"".join(b"%010d 00000 n \n" % place for place in places)
    body += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(body)


def nested(levels: int = _LEVELS) -> bytes:
    """Archives in archives, deeper than anybody has them."""
    content = files.archived({"a.md": "At the bottom."})
    for _ in range(levels):
        content = files.archived({"a.zip": content})
    return content


def table(size: int = TABLE_BYTES) -> bytes:
    """A CSV of about so many bytes."""
    return b"date,site,article,price,currency,state\n" + _ROW * (size // len(_ROW))


def _letter(word: str, _: int) -> bytes:
    message = EmailMessage()
    message["Subject"] = f"About {word}"
    message.set_content(f"The {word} allowance is paid in May.")
    return message.as_bytes()


def _book(word: str, _: int) -> bytes:
    opf = (
        '<p xmlns="urn:o"><manifest><item id="a" href="a.html" media-type="text/html"/></manifest>'
        '<spine><itemref idref="a"/></spine></p>'
    )
    container = '<c xmlns="urn:c"><rootfiles><rootfile full-path="book.opf"/></rootfiles></c>'
    members = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": container,
        "book.opf": opf,
        "a.html": f"<h1>{word}</h1><p>The {word} chapter.</p>",
    }
    return files.archived(members)


GOOD: Final[tuple[tuple[str, Callable[[str, int], bytes]], ...]] = (
    ("note.md", lambda word, n: f"# Note {n}\n\nThe {word} rule holds from day {n}.\n".encode()),
    ("note.txt", lambda word, n: f"The {word} rule holds from day {n}.".encode("utf-16")),
    ("说明.txt", lambda word, n: f"{word}津贴须提前{n}天申请。".encode("gb18030")),
    ("說明.txt", lambda word, n: f"{word}津貼須提前{n}天申請。".encode("big5")),
    ("page.html", lambda word, n: f"<h1>Page {n}</h1><p>The {word} rule.</p>".encode()),
    ("list.csv", lambda word, n: f"Part,Price\n{word} hose,{n}\n".encode()),
    ("list.tsv", lambda word, n: f"Part\tPrice\n{word} hose\t{n}\n".encode()),
    ("data.json", lambda word, n: json.dumps({"part": f"{word} hose", "price": n}).encode()),
    ("data.jsonl", lambda word, n: f'{{"part": "{word} hose"}}\n{{"price": {n}}}\n'.encode()),
    ("letter.docx", lambda word, n: files.word(files.paragraph(f"The {word} rule, edition {n}."))),
    ("plan.odt", lambda word, _: office.opendocument("text", f"<text:p>The {word} plan.</text:p>")),
    (
        "plan.odp",
        lambda word, _: office.opendocument(
            "presentation", f"<draw:page><text:p>The {word} plan.</text:p></draw:page>"
        ),
    ),
    (
        "prices.ods",
        lambda word, n: office.opendocument("spreadsheet", office.odf_table([["Part", "Price"], [word, n]])),
    ),
    ("prices.xlsx", lambda word, n: office.workbook({"Prices": [["Part", "Price"], [f"{word} pump", n]]})),
    ("manual.pdf", lambda word, _: files.pdf([(f"The {word} rule of this page.", 12, 50, 700)])),
    ("letter.eml", _letter),
    ("book.epub", _book),
    ("both.zip", lambda word, _: files.archived({"one/two.md": f"# Leave\n\nThe {word} rule."})),
)

_WORD: Final = files.word(files.paragraph("Hello there"))
_PAGE: Final = files.pdf([("Hello there, reader of this page", 12, 50, 700)])
_DTD: Final = '<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
_ENTITIES: Final = f'{_DTD}<w:document xmlns:w="{files.W}"><w:body>&c;</w:body></w:document>'

HOSTILE: Final[tuple[tuple[str, Callable[[int], bytes], str], ...]] = (
    ("bomb.docx", lambda _: files.bomb(200_000_000), "archive_bomb"),
    ("lying.docx", lambda _: files.lying_bomb(200_000_000), "damaged"),
    ("cut.docx", lambda _: _WORD[: len(_WORD) // 2], "truncated"),
    ("cut.pdf", lambda _: _PAGE[: len(_PAGE) * 2 // 3], "truncated"),
    ("locked.pdf", lambda n: files.pdf([("secret", 12, 50, 700)], password=f"open{n}"), "encrypted"),
    ("locked.docx", lambda _: files.protected_office_file(), "encrypted"),
    ("word.pdf", lambda _: _WORD, "mislabelled"),
    ("program.txt", lambda n: b"\x7fELF\x02\x01\x01\x00" + bytes(30) + b"%d" % n, "mislabelled"),
    ("entities.docx", lambda _: files.archived({"word/document.xml": _ENTITIES}), "damaged"),
    ("nested.zip", lambda _: nested(), "damaged"),
    ("loop.pdf", lambda _: looping_pages(), "damaged"),
    ("pages.pdf", lambda _: many_pages(), "too_much_text"),
    ("table.csv", lambda _: table(), "too_much_text"),
    ("noise.txt", lambda n: bytes(range(256)) * 4 + b"%d" % n, "mislabelled"),
    ("blank.md", lambda n: b" \r\n\t\n" * (n + 1), "empty_file"),
)
