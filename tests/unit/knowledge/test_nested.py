"""Mails, books and archives: what is in them, below which name, and what is refused or left out."""

import io
import zipfile
from email.message import EmailMessage

import pytest

from appliance.knowledge.parsing import errors
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.parsed import Parsed
from appliance.knowledge.parsing.read import read
from tests.factories import compound, files, office
from tests.factories.parsing import refusal, shown

LIMITS = ParseLimits(text=200_000, entries=60, unpacked=12_000_000)
SHEET = office.workbook({"Prices": [["Part", "Price"], ["P-1", 9]]})
PDF = files.pdf([("First page of the plan", 12, 50, 700)], [("Second page of the plan", 12, 50, 700)])
GIF = b"GIF89a" + bytes(40)


def parsed(content: bytes, name: str) -> Parsed:
    return read(io.BytesIO(content), name, LIMITS)


def mail(text: str = "Dear all,\n\nthe plan is here.", html: str = "", subject: str = "Plan 计划") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Ann Lee <ann@example.com>"
    message["To"] = "李雷 <li@example.com>"
    message["Date"] = "Thu, 26 Nov 2026 10:00:00 +0000"
    message["Subject"] = subject
    if text:
        message.set_content(text)
    if html and text:
        message.add_alternative(html, subtype="html")
    elif html:
        message.set_content(html, subtype="html")
    return message


def attach(message: EmailMessage, content: bytes, name: str) -> None:
    message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)


def test_a_mail_gives_its_subject_people_letter_and_attachments() -> None:
    message = mail(html="<p>not this one</p>")
    attach(message, SHEET, "价格.xlsx")
    attach(message, GIF, "logo.gif")
    attach(message, b"# Notes\n\n## Old *ones*\n\n- a\n- b\n", "notes.md")
    document = parsed(message.as_bytes(), "a.eml")
    assert document.title == "Plan 计划"
    assert shown(document) == [
        ("heading", "Plan 计划"),
        (
            "paragraph",
            "From: Ann Lee <ann@example.com>\nTo: 李雷 <li@example.com>\nDate: Thu, 26 Nov 2026 10:00:00 +0000",
        ),
        ("paragraph", "Dear all,"),
        ("paragraph", "the plan is here."),
        ("heading", "价格.xlsx"),
        ("heading", "Prices"),
        ("header_row", "Part | Price"),
        ("row", "P-1 | 9"),
        ("heading", "notes.md"),
        ("heading", "Notes"),
        ("heading", "Old *ones*"),
        ("item", "- a"),
        ("item", "- b"),
    ]
    assert document.blocks[7].path == ("Plan 计划", "价格.xlsx", "Prices")
    assert [block.level for block in document.blocks if block.kind == "heading"] == [1, 2, 3, 2, 3, 4]
    assert document.warnings == (f"logo.gif: {errors.UnknownType('a GIF picture')}",)
    assert parsed(message.as_bytes(), "no name").media_type == "message/rfc822"


def test_a_mail_in_html_alone_and_one_forwarded_within_another_are_read() -> None:
    outer = mail(text="See below.", subject="Fwd")
    outer.add_attachment(mail(text="", html="<h1>Rules</h1><p>25 days</p>", subject="Inner"))
    document = parsed(outer.as_bytes(), "a.eml")
    told = [text for kind, text in shown(document) if kind != "paragraph" or "From" not in text]
    assert told == ["Fwd", "See below.", "Inner.eml", "Inner", "Rules", "25 days"]
    assert document.blocks[-1].path == ("Fwd", "Inner.eml", "Inner", "Rules")


CHINESE = (
    b"From: =?gb2312?B?" + b"1uy7+Q==" + b"?= <zhu@example.com>\r\nSubject: =?gb2312?B?veLMurzZ?=\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=gb2312\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
) + "朱镕基：年假为十五天。".encode("gbk")


def test_a_chinese_mail_that_names_gb2312_and_writes_gbk_is_read() -> None:
    assert "朱镕基：年假为十五天。" in parsed(CHINESE, "a.eml").text
    unnamed = CHINESE.replace(b"; charset=gb2312", b"; charset=unheard-of")
    assert "朱镕基：年假为十五天。" in parsed(unnamed, "a.eml").text


OUTLOOK: dict[int, str | bytes | int] = {
    0x0037: "Plan 计划",
    0x0C1A: "Ann Lee",
    0x0C1F: "ann@example.com",
    0x0E04: "李雷",
    0x0039: 1_795_687_200,
}


def test_an_outlook_mail_gives_the_same() -> None:
    content = compound.msg(OUTLOOK | {0x1000: "Dear all,\r\n\r\nsee there."}, {"价格.xlsx": SHEET, "logo.gif": GIF})
    document = parsed(content, "a.msg")
    assert shown(document) == [
        ("heading", "Plan 计划"),
        ("paragraph", 'From: "Ann Lee" <ann@example.com>\nTo: 李雷\nDate: 2026-11-26 10:00 UTC'),
        ("paragraph", "Dear all,"),
        ("paragraph", "see there."),
        ("heading", "价格.xlsx"),
        ("heading", "Prices"),
        ("header_row", "Part | Price"),
        ("row", "P-1 | 9"),
    ]
    assert len(document.warnings) == 1
    page = compound.msg(OUTLOOK | {0x1013: "<p>25 days</p>".encode("iso-8859-15")})
    assert shown(parsed(page, "a.msg"))[-1] == ("paragraph", "25 days")
    assert [kind for kind, _ in shown(parsed(compound.msg(OUTLOOK), "a.msg"))] == ["heading", "paragraph"]


def book(chapters: dict[str, str], **more: str) -> bytes:
    items = "".join(
        f'<item id="c{number}" href="{name}" media-type="application/xhtml+xml"/>'
        for number, name in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="c{number}"/>' for number in reversed(range(len(chapters))))
    parts = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container xmlns="urn:c"><rootfiles><rootfile full-path="O/book.opf"/></rootfiles>'
        "</container>",
        "O/book.opf": '<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>The rules</dc:title></metadata><manifest>{items}</manifest>"
        f'<spine>{spine}<itemref idref="nothing"/></spine></package>',
    }
    chapters = {f"O/{name.replace('%20', ' ')}": page for name, page in chapters.items() if page}
    return files.archived(parts | chapters | {f"META-INF/{name}.xml": part for name, part in more.items()})


CHAPTERS = {
    "two%20b.xhtml": "<html><h1>二</h1><p>Last.</p></html>",
    "cover.xhtml": "<html/>",
    "one.xhtml": "<h1>一</h1>",
}
LOCK = (
    '<encryption xmlns="urn:c"><EncryptedData xmlns="urn:x"><EncryptionMethod Algorithm="{}"/></EncryptedData>'
    "</encryption>"
)


def test_a_book_gives_its_chapters_in_the_order_of_its_spine() -> None:
    document = parsed(book(CHAPTERS, encryption=LOCK.format("http://www.idpf.org/2008/embedding")), "a.epub")
    assert document.title == "The rules"
    assert shown(document) == [("heading", "一"), ("heading", "二"), ("paragraph", "Last.")]
    assert parsed(book(CHAPTERS).replace(b"mimetype", b"mimetypo"), "book").media_type == "application/epub+zip"


def test_a_pdf_at_the_very_beginning_of_what_holds_it_makes_that_no_pdf() -> None:
    """A ZIP that packs nothing shows it in its first kilobyte, where a PDF may have its mark."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("plan.pdf", PDF)
    assert "Second page" in parsed(buffer.getvalue(), "a.zip").text
    assert "Second page" in parsed(compound.msg({0x0037: "Plan", 0x1000: "x"}, {"plan.pdf": PDF}), "a.msg").text


def test_an_archive_gives_every_file_that_is_read_below_its_path() -> None:
    inner = files.archived({"deep.csv": "a,b\n1,2\n"})
    members: dict[str, str | bytes] = {
        "b/plan.pdf": PDF,
        "a.txt": "Hello.\n\nThere.",
        "inner.zip": inner,
        "__MACOSX/a.txt": "x",
        ".DS_Store": "x",
        "b/Thumbs.db": "x",
        "b/~$plan.docx": "x",
        "locked.docx": files.protected_office_file(),
        "b/": "",
    }
    document = parsed(files.archived(members), "all.zip")
    assert document.title == ""
    assert shown(document) == [
        ("heading", "a.txt"),
        ("paragraph", "Hello."),
        ("paragraph", "There."),
        ("heading", "b/plan.pdf"),
        ("paragraph", "First page of the plan"),
        ("paragraph", "Second page of the plan"),
        ("heading", "inner.zip"),
        ("heading", "deep.csv"),
        ("header_row", "a | b"),
        ("row", "1 | 2"),
    ]
    assert [block.page for block in document.blocks if block.page] == [1, 2]
    assert document.blocks[-1].path == ("inner.zip", "deep.csv")
    assert document.warnings == (f"locked.docx: {errors.Encrypted.sentence}",)


def test_names_that_chinese_windows_packed_are_read() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("XXXXXXXX.txt", "年假十五天")
    content = buffer.getvalue().replace(b"XXXXXXXX", "年假规定".encode("gbk"))
    assert shown(parsed(content, "a.zip"))[0] == ("heading", "年假规定.txt")


def packed(content: bytes, times: int, name: str = "in.zip") -> bytes:
    for _ in range(times):
        content = files.archived({name: content})
    return content


def multipart(end: str) -> bytes:
    return (
        'Subject: a\r\nContent-Type: multipart/mixed; boundary="x"\r\n\r\n'
        f"--x\r\nContent-Type: text/plain\r\n\r\nHi\r\n{end}"
    ).encode()


SPACE = b"a" + b" " * 9_000_000
MANY = files.archived({f"{number}.txt": "x" for number in range(25)})
WHOLE_OUTLOOK = compound.msg(OUTLOOK, {"a.txt": b"a" * 20_000})
LOCKED_MAIL = b'Subject: a\r\nContent-Type: application/pkcs7-mime; smime-type="enveloped-data"\r\n\r\nMIAG'
REFUSED = [
    ("bomb.zip", files.bomb(20_000_000).replace(b"word/document.xml", b"word/documenX.txt"), errors.ArchiveBomb),
    (
        "two-halves.zip",
        files.archived({"a.zip": packed(SPACE, 1, "a.txt"), "b.zip": packed(SPACE, 1, "b.txt")}),
        errors.ArchiveBomb,
    ),
    ("many.zip", files.archived({"a.zip": MANY, "b.zip": MANY, "c.zip": MANY}), errors.ArchiveBomb),
    ("mail-bomb.zip", files.archived({"a.docx": files.bomb(20_000_000)}), errors.ArchiveBomb),
    ("deep.zip", packed(b"hello", 12), errors.Damaged),
    ("wordy.zip", files.archived({"a.txt": "a" * 150_000, "b.txt": "a" * 150_000}), errors.TooMuchText),
    ("empty.zip", files.archived({"a/": ""}), errors.NoText),
    ("cut.zip", files.archived({"a.txt": "hello"})[:-20], errors.Truncated),
    ("locked.zip", files.encrypted_archive(), errors.Encrypted),
    ("locked-within.zip", files.archived({"a.docx": files.protected_office_file()}), errors.Encrypted),
    ("text.zip", b"hello", errors.Mislabelled),
    ("word.zip", files.word(files.paragraph("Hi")), errors.Mislabelled),
    ("cut.eml", multipart(""), errors.Truncated),
    ("locked.eml", LOCKED_MAIL, errors.Encrypted),
    ("page.eml", PDF, errors.Mislabelled),
    ("cut.msg", WHOLE_OUTLOOK[: len(WHOLE_OUTLOOK) // 2], errors.Truncated),
    ("stub.msg", WHOLE_OUTLOOK[:700], errors.Damaged),
    ("locked.msg", compound.msg({0x001A: "IPM.Note.SMIME", 0x0037: "a"}), errors.Encrypted),
    ("mail.msg", b"Subject: a\r\n\r\nHi", errors.Mislabelled),
    ("mail.eml", WHOLE_OUTLOOK, errors.Mislabelled),
    (
        "locked.epub",
        book(CHAPTERS, encryption=LOCK.format("http://www.w3.org/2001/04/xmlenc#aes128-cbc")),
        errors.Encrypted,
    ),
    ("torn.epub", book(CHAPTERS | {"gone.xhtml": ""}), errors.Damaged),
    ("cut.epub", book(CHAPTERS)[:-40], errors.Truncated),
    ("word.epub", files.word(files.paragraph("Hi")), errors.Mislabelled),
]


@pytest.mark.parametrize(("name", "content", "expected"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_cannot_be_read_fails_with_its_own_reason(
    name: str, content: bytes, expected: type[errors.FileRefused]
) -> None:
    assert refusal(content, name, LIMITS) is expected


def test_a_mail_whose_last_part_has_its_end_is_whole() -> None:
    assert parsed(multipart("--x--\r\n"), "a.eml").blocks[-1].kind == "paragraph"
