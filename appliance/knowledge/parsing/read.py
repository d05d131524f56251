"""One file in, one document out: by its media type to its parser. This runs in the child process only."""

import io
from typing import BinaryIO

from appliance.drivers.ocr.port import Eye
from appliance.knowledge.parsing import (
    formats,
    html,
    jsons,
    mail,
    markdown,
    nested,
    outlook,
    packages,
    pdf,
    plain,
    separated,
)
from appliance.knowledge.parsing.archive import Archive, Spent
from appliance.knowledge.parsing.decoding import decode
from appliance.knowledge.parsing.errors import Damaged, EmptyFile, FileTooLarge, NeedsRecognition, NoText
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.media import media_type
from appliance.knowledge.parsing.parsed import Parsed


def read(file: BinaryIO, name: str, limits: ParseLimits, eye: Eye | None = None) -> Parsed:
    """The document in a file, pictures read by ``eye``; any FileRefused says why there is none."""
    return _Reading(limits, eye, Spent(), 0).read(file, name)


class _Reading:
    """Reads a file and those within it; what archives unpack counts together, however deep."""

    def __init__(self, limits: ParseLimits, eye: Eye | None, spent: Spent, depth: int) -> None:
        self._limits = limits
        self._eye = eye
        self._spent = spent
        self._depth = depth

    def read(self, file: BinaryIO, name: str) -> Parsed:
        size = file.seek(0, io.SEEK_END)
        if size == 0:
            raise EmptyFile
        if size > self._limits.file_bytes:
            raise FileTooLarge(f"{size} of at most {self._limits.file_bytes} bytes")
        file.seek(0)
        content = file.read()
        file.seek(0)
        parsed = self._parsed(file, content, name, media_type(content, name))
        if not parsed.blocks:
            raise NoText
        return parsed

    def _parsed(self, file: BinaryIO, content: bytes, name: str, kind: str) -> Parsed:
        match kind:
            case formats.ZIP:
                return self._package(file, name)
            case formats.PDF:
                return pdf.parse(file, self._eye, self._limits)
            case formats.EML:
                return mail.parse(content, self._within, self._limits)
            case formats.MSG:
                return outlook.parse(content, self._within, self._limits)
            case _ if kind in formats.PICTURES:
                return _seen(content, kind, self._eye, self._limits)
            case _:
                return _text(content, kind, self._limits)

    def _package(self, file: BinaryIO, name: str) -> Parsed:
        """What is in a ZIP archive, closed whatever comes of it."""
        archive = Archive(file, self._limits, self._spent)
        try:
            return packages.parse(archive, name, self._within, self._limits)
        finally:
            archive.close()

    def _within(self, content: bytes, name: str) -> Parsed:
        """A file within this one."""
        if self._depth >= nested.DEEPEST:
            raise Damaged("nested too deep")
        return _Reading(self._limits, self._eye, self._spent, self._depth + 1).read(io.BytesIO(content), name)


def _seen(content: bytes, kind: str, eye: Eye | None, limits: ParseLimits) -> Parsed:
    if eye is None:
        raise NeedsRecognition("a picture")
    from appliance.knowledge.parsing import pictures  # noqa: PLC0415 - its libraries' memory is for pictures only

    return pictures.parse(content, kind, eye, limits)


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
