"""Trees of XML parts, and what libxml2 stumbles over without saying so: it recovers by leaving out the rest."""

import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from lxml import etree

from appliance.knowledge.parsing.archive import Archive
from appliance.knowledge.parsing.errors import Damaged, TooHungry
from appliance.knowledge.parsing.writer import flat

_RELATIONSHIP: Final = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"

_DC_TITLE: Final = "{http://purl.org/dc/elements/1.1/}title"
_ID: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_ID: Final = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"


def check(parser: etree.HTMLParser | etree.XMLParser, *, where: str = "") -> None:
    """Raise where the tree is not the whole document: TooHungry for want of memory, Damaged where nested too deep."""
    _check(parser.error_log, where)


def _check(log: etree._ListErrorLog, where: str) -> None:
    for entry in log:
        if entry.type == etree.ErrorTypes.ERR_NO_MEMORY or "memory" in entry.message.lower():
            raise TooHungry
        if "depth" in entry.message.lower():
            raise Damaged(f"{where} nested too deep".strip())


@contextmanager
def checked(where: str) -> Iterator[None]:
    """What a stream of elements stumbles over, as ours."""
    try:
        yield
    except etree.XMLSyntaxError as error:
        _check(error.error_log, where)
        raise Damaged(f"{where}: {error.msg}") from error


def tree(content: bytes, where: str) -> etree._Element:
    """One part as a tree: no entities, no network, and nested no deeper than libxml2's own limit (256)."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        check(parser, where=where)
        raise Damaged(f"{where}: {error.msg}") from error
    undeclared(root, where)
    return root


def undeclared(element: etree._Element, where: str) -> None:
    """Raise Damaged where its document declares a type, and with it perhaps entities."""
    if element.getroottree().docinfo.internalDTD is not None:
        raise Damaged(f"{where} declares entities, which no Office writes")


def relation(element: etree._Element) -> str:
    """The id by which an element refers to another part."""
    return element.get(_ID) or element.get(_STRICT_ID) or ""


def part(archive: Archive, name: str) -> etree._Element:
    """A member of a package as a tree. Raises ArchiveBomb, Damaged."""
    return tree(archive.read(name), name)


def related(archive: Archive, name: str) -> dict[str, str]:
    """The parts that a part of an OOXML package refers to, by the ids it uses; targets outside are left out."""
    folder, own = posixpath.split(name)
    relations = f"{folder}/_rels/{own}.rels"
    if relations not in archive.names:
        return {}
    return {
        one.get("Id", ""): posixpath.normpath(posixpath.join("/", folder, one.get("Target", ""))).lstrip("/")
        for one in part(archive, relations).iter(_RELATIONSHIP)
        if one.get("TargetMode") != "External"
    }


def titled(archive: Archive) -> str:
    """The title that an OOXML package gives in its properties."""
    core = "docProps/core.xml"
    return titles(part(archive, core)) if core in archive.names else ""


def titles(root: etree._Element) -> str:
    """The first title in Dublin Core below it."""
    return next((flat(text) for text in root.itertext(_DC_TITLE)), "")
