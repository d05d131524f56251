"""EML: a mail with its subject as the heading, who wrote when to whom, the letter, and what is attached to it.

Of a letter that is there as text and as HTML the text is taken. Headers and parts are decoded here: mail programs name
GB2312 and write GBK, which the standard library would not read.
"""

import email
import email.errors
import email.header
import email.message
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from appliance.knowledge.parsing import formats, html, nested, plain
from appliance.knowledge.parsing.decoding import decode, known
from appliance.knowledge.parsing.errors import Encrypted, NoText, Truncated
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.parsed import Parsed
from appliance.knowledge.parsing.writer import Writer, flat

Part = email.message.Message
_HEADERS: Final = ("From", "To", "Cc", "Date")
_ENCRYPTED: Final = frozenset(["multipart/encrypted", "application/pgp-encrypted"])
_CUT: Final = (email.errors.CloseBoundaryNotFoundDefect, email.errors.StartBoundaryNotFoundDefect)
_KINDS: Final = {"text/plain": ".txt", "text/html": ".html", "message/rfc822": ".eml", "application/pdf": ".pdf"}


@dataclass
class Letter:
    """What a mail says, from whichever file. ``bodies``: each as a document of its own."""

    subject: str
    headers: dict[str, str]
    bodies: list[Parsed] = field(default_factory=list)
    files: list[tuple[str, Callable[[], bytes]]] = field(default_factory=list)

    def written(self, media_type: str, read: nested.Reader, limits: ParseLimits) -> Parsed:
        """The mail as a document. Raises TooMuchText, ArchiveBomb; an attachment that is not read is a warning."""
        writer = Writer(limits.text)
        writer.add("heading", self.subject, level=1)
        writer.add("paragraph", "\n".join(f"{name}: {value}" for name, value in self.headers.items() if value))
        for body in self.bodies:
            writer.include(body, below=1)
        refused = nested.include(writer, self.files, read, level=2)
        return writer.parsed(media_type, self.subject, nested.told(refused))


def parse(content: bytes, read: nested.Reader, limits: ParseLimits) -> Parsed:
    """A mail. Raises Encrypted, Truncated where its last part has no end, TooMuchText, ArchiveBomb."""
    message = email.message_from_bytes(content)
    letter = Letter(_decoded(message["Subject"]), {name: _decoded(message[name]) for name in _HEADERS})
    for part in _parts(message):
        if any(isinstance(defect, _CUT) for defect in part.defects):
            raise Truncated
        if part.get_content_type() in _ENCRYPTED or part.get_param("smime-type") == "enveloped-data":
            raise Encrypted
        if not part.is_multipart() or part.get_content_type() == "message/rfc822":
            _take(letter, part, limits)
    return letter.written(formats.EML, read, limits)


def _parts(message: Part) -> Iterator[Part]:
    """All parts in order, of alternatives the one that is read, none of mails within."""
    stack = [message]
    while stack:
        part = stack.pop()
        yield part
        inner = part.get_payload()
        if part.get_content_type() == "message/rfc822" or not isinstance(inner, list):
            continue
        parts = [one for one in inner if isinstance(one, Part)]
        if part.get_content_type() == "multipart/alternative":
            texts = [one for one in parts if one.get_content_type() == "text/plain" and one.get_payload(decode=True)]
            parts = texts[:1] or parts[-1:]
        stack.extend(reversed(parts))


def _take(letter: Letter, part: Part, limits: ParseLimits) -> None:
    kind, name = part.get_content_type(), _decoded(part.get_filename())
    if kind == "message/rfc822":
        within = part.get_payload(0)
        if isinstance(within, Part):
            letter.files.append((name or _decoded(within["Subject"]) + ".eml", within.as_bytes))
        return
    if part.get_content_maintype() == "image" and part["Content-ID"]:
        return  # a logo within the letter
    attached = name or part.get_content_disposition() == "attachment"
    if kind in ("text/plain", "text/html") and not attached:
        text = _text(part)
        try:
            letter.bodies.append(html.parse(text, limits) if kind == "text/html" else plain.parse(text, limits))
        except NoText:
            return
    elif attached:
        letter.files.append((name or "attachment" + _KINDS.get(kind, ""), lambda: _bytes(part)))


def _bytes(part: Part) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _text(part: Part) -> str:
    content = _bytes(part)
    named = part.get_content_charset()
    read = known(content, named) if named else None
    return read if read is not None else decode(content)


def _decoded(header: object) -> str:
    """A header as it is read: encoded words decoded, each in the encoding that it names or a wider one."""
    if header is None:
        return ""
    pieces: list[str] = []
    for value, charset in email.header.decode_header(str(header)):
        content = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
        read = known(content, charset) if charset else None
        pieces.append(read if read is not None else content.decode("utf-8", "replace"))
    return flat("".join(pieces))
