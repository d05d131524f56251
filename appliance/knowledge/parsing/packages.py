"""What kind of document a ZIP archive is, by its members."""

from typing import Final

from appliance.knowledge.parsing import formats
from appliance.knowledge.parsing.archive import Archive
from appliance.knowledge.parsing.errors import Mislabelled, UnknownType
from appliance.knowledge.parsing.formats import called, promised
from appliance.knowledge.parsing.media import ZIP, suffix

_PARTS: Final = {"word/document.xml": formats.DOCX}
_OTHER_OFFICE: Final = {"xl/workbook.xml": "an Excel workbook", "ppt/presentation.xml": "a PowerPoint presentation"}


def kind(archive: Archive, name: str) -> str:
    """Its media type. Raises Mislabelled where the name promises another format, UnknownType for what is not read."""
    told, promise = _told(archive), promised(name)
    if promise is not None and promise != told:
        raise Mislabelled(f"{suffix(name)} by name, but it is {called(told)}")
    if told not in _PARTS.values():
        raise UnknownType(told)
    return told


def _told(archive: Archive) -> str:
    parts = _PARTS | _OTHER_OFFICE
    return next((told for part, told in parts.items() if part in archive.names), ZIP)
