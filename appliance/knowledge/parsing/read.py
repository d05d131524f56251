"""One file in, one document out: by its media type to its parser. This runs in the child process only."""

import io
from typing import BinaryIO

from appliance.knowledge.parsing import formats, html, jsons, markdown, packages, pdf, plain, separated
from appliance.knowledge.parsing.archive import Archive
from appliance.knowledge.parsing.decoding import decode
from appliance.knowledge.parsing.errors import EmptyFile, FileTooLarge, NoText
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.media import ZIP, media_type
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
    kind = media_type(content, name)
    if kind == ZIP:
        parsed = _package(file, name, limits)
    elif kind == formats.PDF:
        parsed = pdf.parse(file, limits)
    else:
        parsed = _text(content, kind, limits)
    if not parsed.blocks:
        raise NoText
    return parsed


def _text(content: bytes, kind: str, limits: ParseLimits) -> Parsed:
    text = decode(content, declared=kind == formats.HTML)
    match kind:
        case formats.MARKDOWN:
            return markdown.parse(text, limits)
        case formats.HTML:
            return html.parse(text, limits)
        case formats.CSV | formats.TSV:
            return separated.parse(text, kind, limits)
        case formats.JSON | formats.JSONL:
            return jsons.parse(text, kind, limits)
        case _:
            return plain.parse(text, limits)


def _package(file: BinaryIO, name: str, limits: ParseLimits) -> Parsed:
    """What is in a ZIP archive, closed whatever comes of it."""
    archive = Archive(file, limits)
    try:
        return packages.parse(archive, name, limits)
    finally:
        archive.close()
