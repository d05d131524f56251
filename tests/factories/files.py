"""Files of every format that the appliance reads, and of many that it must refuse, made in memory."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Final

from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfgen.canvas import Canvas

W: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STYLES: Final = f"""<w:styles xmlns:w="{W}">
<w:style w:styleId="1"><w:name w:val="heading 1"/></w:style>
<w:style w:styleId="Sub"><w:name w:val="House style"/><w:basedOn w:val="1"/></w:style>
<w:style w:styleId="Deep"><w:name w:val="Own"/><w:pPr><w:outlineLvl w:val="2"/></w:pPr></w:style>
<w:style w:styleId="Loop"><w:name w:val="Loop"/><w:basedOn w:val="Loop"/></w:style>
<w:style w:styleId="Title"><w:name w:val="Title"/></w:style></w:styles>"""


def archived(members: Mapping[str, str | bytes]) -> bytes:
    """A ZIP archive of these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def paragraph(text: str, style: str = "", properties: str = "") -> str:
    """The XML of one Word paragraph."""
    style = f'<w:pStyle w:val="{style}"/>' if style else ""
    return f"<w:p><w:pPr>{style}{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def table(*rows: tuple[str, ...]) -> str:
    """The XML of one Word table."""
    lines = ("".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return "<w:tbl>" + "".join(f"<w:tr>{line}</w:tr>" for line in lines) + "</w:tbl>"


def word(body: str, **more: str | bytes) -> bytes:
    """A DOCX with this body; ``more``: further parts, named with __ for / and _ for the dot."""
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>",
        "word/document.xml": f'<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>',
        "word/styles.xml": STYLES,
    }
    return archived(parts | {name.replace("__", "/").replace("_xml", ".xml"): part for name, part in more.items()})


def pdf(*pages: Sequence[tuple[str, float, float, float]], password: str = "", title: str = "") -> bytes:
    """A PDF; each page is a list of (text, size, x, y from the bottom), Chinese where the text has any."""
    registerFont(UnicodeCIDFont("STSong-Light"))
    buffer = io.BytesIO()
    encryption = StandardEncryption(password, canPrint=0) if password else None
    canvas = Canvas(buffer, pagesize=A4, encrypt=encryption, invariant=1)
    canvas.setTitle(title)
    for page in pages:
        for text, size, x, y in page:
            canvas.setFont("Helvetica" if text.isascii() else "STSong-Light", size)
            canvas.drawString(x, y, text)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def scan(pages: int = 1) -> bytes:
    """A PDF of pictures: shapes and no text."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, invariant=1)
    for _ in range(pages):
        canvas.rect(50, 50, 400, 600, fill=1)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def bomb(size: int = 400 * 1024 * 1024) -> bytes:
    """A DOCX whose main part unpacks to ``size`` bytes of nothing."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("word/document.xml", "w") as part:
            part.write(f'<w:document xmlns:w="{W}"><w:body>'.encode())
            for _ in range(size // 1_000_000):
                part.write(b" " * 1_000_000)
            part.write(b"</w:body></w:document>")
    return buffer.getvalue()


def lying_bomb(size: int = 400 * 1024 * 1024) -> bytes:
    """The same, but its directory declares a few bytes."""
    content = bytearray(bomb(size))
    directory = content.rindex(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = (100).to_bytes(4, "little")
    return bytes(content)


def protected_office_file() -> bytes:
    """The look of a password-protected DOCX: an OLE container with an EncryptedPackage."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600 + "EncryptedPackage".encode("utf-16-le") + b"\x00" * 600


def encrypted_archive() -> bytes:
    """A DOCX whose members have the flag of ZIP encryption."""
    content = bytearray(word(paragraph("secret")))
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        place = content.find(mark)
        while place >= 0:
            content[place + offset] |= 1
            place = content.find(mark, place + 4)
    return bytes(content)
