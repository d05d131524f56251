"""One file in, one document out: by its media type to its parser. This runs in the child process only."""

import io
from typing import BinaryIO

from appliance.knowledge.parsing import docx, html, markdown, pdf, plain
from appliance.knowledge.parsing.decoding import decode
from appliance.knowledge.parsing.errors import EmptyFile, FileTooLarge, NoText
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.media import media_type
from appliance.knowledge.parsing.parsed import Parsed


def read(file: BinaryIO, name: str, limits: ParseLimits) -> Parsed:
    """The document in a file; any FileRefused says why there is none."""
    size = file.seek(0, io.SEEK_END)
    if size == 0:
        raise EmptyFile
    if size > limits.file_bytes:
        raise FileTooLarge(f"{size} of at most {limits.file_bytes} bytes")
    file.seek(0)
    content = file.read()
    file.seek(0)
    match media_type(content, name):
        case "application/pdf":
            parsed = pdf.parse(file, limits)
        case "text/markdown":
            parsed = markdown.parse(decode(content), limits)
        case "text/html":
            parsed = html.parse(decode(content, declared=True), limits)
        case "text/plain":
            parsed = plain.parse(decode(content), limits)
        case _:
            parsed = docx.parse(file, name, limits)
    if not parsed.blocks:
        raise NoText
    return parsed
