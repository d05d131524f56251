"""A company's files, made up: sentences of the sample handbook in new orders, in the formats that offices keep."""

import csv
import email.message
import io
import random
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import Final

from tests.factories import files
from tests.factories.office import workbook

HANDBOOK: Final = Path(__file__).parents[2] / "docs" / "handbook" / "documents"
SHARES: Final = {"md": 25, "html": 20, "txt": 15, "docx": 15, "pdf": 10, "csv": 5, "xlsx": 5, "eml": 5}
"""Of a hundred files."""
LEAST: Final = 40
"""Characters of a line that is prose; in Chinese a third of it."""
SIZES: Final = (500, 1000, 2000, 3200, 4500)
"""Characters of a document, each as often; Chinese ones have a third. With MiniLM 3.8 passages on average."""


def prose(*, chinese: bool) -> list[str]:
    """Lines of the handbook's Markdown that are sentences."""
    found = []
    for path in sorted(HANDBOOK.glob("*.md")):
        if path.name.isascii() is not chinese:
            lines = path.read_text(encoding="utf-8").splitlines()
            least = LEAST // 3 if chinese else LEAST
            found += [line for line in lines if len(line) >= least and line[0] not in "#|-*!0123456789<"]
    return found


def documents(count: int, seed: int = 20261126) -> Iterator[tuple[str, bytes]]:
    """So many files by name, a third in Chinese, none like another; the same for the same seed."""
    chance = random.Random(seed)
    english, chinese = prose(chinese=False), prose(chinese=True)
    kinds = [kind for kind, share in SHARES.items() for _ in range(share)]
    chance.shuffle(kinds)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        pool, size = (chinese, 3) if number % 3 == 0 else (english, 1)
        wanted, lines = chance.choice(SIZES) // size, [f"Notice {number:06d} of {2000 + number % 27}."]
        while sum(map(len, lines)) < wanted:
            lines.append(f"{chance.choice(pool)} ({chance.randrange(10**6)})")
        yield f"{kind}/notice-{number:06d}.{kind}", _WRITTEN[kind](f"Notice {number:06d}", lines)


def _markdown(title: str, lines: list[str]) -> bytes:
    return "\n\n".join([f"# {title}", *lines]).encode()


def _text(title: str, lines: list[str]) -> bytes:
    return "\n\n".join([title, *lines]).encode()


def _html(title: str, lines: list[str]) -> bytes:
    paragraphs = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return f"<!doctype html><title>{title}</title><h1>{title}</h1>{paragraphs}".encode()


def _word(title: str, lines: list[str]) -> bytes:
    return files.word(files.paragraph(title, "1") + "".join(files.paragraph(escape(line)) for line in lines))


def _pdf(title: str, lines: list[str]) -> bytes:
    rows = [line[start : start + 80] for line in lines for start in range(0, len(line), 80)]
    pages = [rows[start : start + 50] for start in range(0, len(rows), 50)]
    return files.pdf(*([(row, 10, 60, 780 - 14 * at) for at, row in enumerate(page)] for page in pages), title=title)


def _csv(_title: str, lines: list[str]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows([("number", "text"), *enumerate(lines)])
    return written.getvalue().encode()


def _workbook(title: str, lines: list[str]) -> bytes:
    return workbook({"Notices": [["number", "text"], *([at, line] for at, line in enumerate(lines))]}, title=title)


def _mail(title: str, lines: list[str]) -> bytes:
    message = email.message.EmailMessage()
    message["Subject"], message["From"], message["To"] = title, "office@example.com", "all@example.com"
    message.set_content("\n\n".join(lines))
    return message.as_bytes()


_WRITTEN: Final[dict[str, Callable[[str, list[str]], bytes]]] = {
    "md": _markdown,
    "txt": _text,
    "html": _html,
    "docx": _word,
    "pdf": _pdf,
    "csv": _csv,
    "xlsx": _workbook,
    "eml": _mail,
}
