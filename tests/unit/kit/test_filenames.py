"""Names of files, of which any part may be somebody's attack on a header, a directory or who reads them."""

from email.message import EmailMessage
from urllib.parse import unquote

import pytest

from appliance.kit.filenames import LONGEST, attachment, saved

NAMES = [
    ("leave.pdf", "leave.pdf"),
    ("policies/2026/leave.pdf", "leave.pdf"),
    ("C:\\share\\leave.pdf", "leave.pdf"),
    ("合同 第三版.docx", "合同 第三版.docx"),
    ("../../etc/passwd", "passwd"),
    ("wiki/..", "document"),
    ("..", "document"),
    (".bashrc", "bashrc"),
    ("report.pdf. ", "report.pdf"),
    ("folder/", "folder"),
    ("a\r\nSet-Cookie: x=1\r\n\r\n<script>.html", "aSet-Cookie: x=1<script>.html"),
    ("invoice\u202efdp.exe", "invoicefdp.exe"),
    ("\x00\u2028", "document"),
    ("x\udc80.txt", "x.txt"),
    ("", "document"),
]


@pytest.mark.parametrize(("name", "plain"), NAMES)
def test_a_name_is_that_of_a_plain_file_in_one_directory(name: str, plain: str) -> None:
    assert saved(name) == plain
    assert saved(name, "0199f4a2") == plain.replace("document", "0199f4a2")


@pytest.mark.parametrize("name", ["长" * 255 + ".pdf", "x" * 300, "y" * 10 + "." + "z" * 300, "é" * 150 + ".tar.gz"])
def test_a_long_name_fits_a_file_system_and_keeps_its_suffix(name: str) -> None:
    short = saved(name)
    assert LONGEST - 4 < len(short.encode()) <= LONGEST
    assert name.startswith(short[:50])
    assert short.endswith((".pdf", "x", "z", ".gz"))


@pytest.mark.parametrize(
    "name",
    [
        *(name for name, _ in NAMES),
        'a"; filename="evil.exe',
        "a\\",
        "100 %.txt",
        "a;b=c.txt",
        "x'y''z.txt",
        "=?utf-8?q?evil?=.txt",
        "\ud7ff\ue000\uffff.txt",
    ],
)
def test_a_header_names_this_file_and_nothing_else(name: str) -> None:
    header = attachment(name)
    assert header.isascii()
    assert header.isprintable()
    quoted = header.removeprefix('attachment; filename="')
    assert quoted.count('"') == 1, "what is quoted ends once"
    assert "\\" not in header
    plain, _, exact = quoted.partition('"')
    parsed = EmailMessage()
    parsed["content-disposition"] = header
    assert parsed.get_content_disposition() == "attachment"
    if exact:
        assert unquote(exact.removeprefix("; filename*=UTF-8''"), errors="strict") == saved(name)
        assert not set(exact.removeprefix("; filename*=")) & set(" \"'(),/:;<=>?@[\\]{}*") - {"'"}
    else:
        assert plain == saved(name)
