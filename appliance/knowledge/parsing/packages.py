"""What kind of document a ZIP archive is, by its members, and its parser."""

from typing import Final

from appliance.knowledge.parsing import books, docx, formats, nested, opendocument, sheets, slides, zipped
from appliance.knowledge.parsing.archive import Archive
from appliance.knowledge.parsing.errors import Mislabelled, UnknownType
from appliance.knowledge.parsing.formats import called, promised
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.media import suffix
from appliance.knowledge.parsing.parsed import Parsed

_PARTS: Final = {
    "word/document.xml": formats.DOCX,
    "xl/workbook.xml": formats.XLSX,
    "ppt/presentation.xml": formats.PPTX,
    "xl/workbook.bin": "a binary Excel workbook (.xlsb): save it as .xlsx",
}
_PARSERS: Final = {
    formats.DOCX: docx.parse,
    formats.XLSX: sheets.parse,
    formats.PPTX: slides.parse,
    formats.EPUB: books.parse,
}
_OPEN: Final = (formats.ODT, formats.ODS, formats.ODP)
_LONGEST_TYPE: Final = 200


def parse(archive: Archive, name: str, read: nested.Reader, limits: ParseLimits) -> Parsed:
    """The document, or all of them. Raises Mislabelled where the name promises another, UnknownType."""
    told, promise = _told(archive), promised(name)
    if promise is not None and promise != told:
        raise Mislabelled(f"{suffix(name)} by name, but it is {called(told)}")
    if told in _OPEN:
        return opendocument.parse(archive, told, limits)
    if told in _PARSERS:
        return _PARSERS[told](archive, limits)
    if told == formats.ZIP:
        return zipped.parse(archive, read, limits)
    raise UnknownType(told)


def _told(archive: Archive) -> str:
    """By the main part, or by what the package says of itself in its first member (ODF, EPUB)."""
    for part, told in _PARTS.items():
        if part in archive.names:
            return told
    if "mimetype" in archive.names:
        said = archive.read("mimetype")[:_LONGEST_TYPE].decode("ascii", "replace").strip()
        return said.removesuffix("-template")
    return formats.EPUB if books.CONTAINER in archive.names else formats.ZIP
