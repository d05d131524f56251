"""EPUB: the chapters in the order of the book's spine, each read as a page of HTML."""

import posixpath
from typing import Final
from urllib.parse import unquote

from appliance.knowledge.parsing import formats, html
from appliance.knowledge.parsing.archive import Archive
from appliance.knowledge.parsing.decoding import decode
from appliance.knowledge.parsing.errors import Damaged, Encrypted, NoText
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.markup import part, titles
from appliance.knowledge.parsing.parsed import Parsed
from appliance.knowledge.parsing.writer import Writer

CONTAINER: Final = "META-INF/container.xml"
_LOCKS: Final = "META-INF/encryption.xml"
_FONTS: Final = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
"""Fonts are obfuscated in books that anybody may read."""
_PAGES: Final = frozenset(["application/xhtml+xml", "text/html"])


def parse(archive: Archive, limits: ParseLimits) -> Parsed:
    """A book. Raises Encrypted (rights management), ArchiveBomb, Damaged, TooMuchText."""
    if _LOCKS in archive.names:
        methods = part(archive, _LOCKS).iterfind("{*}EncryptedData/{*}EncryptionMethod")
        if any(one.get("Algorithm") not in _FONTS for one in methods):
            raise Encrypted
    root = part(archive, CONTAINER).find("{*}rootfiles/{*}rootfile")
    where = root.get("full-path") or "" if root is not None else ""
    book = part(archive, where)
    folder = posixpath.dirname(where)
    chapters = {
        item.get("id"): posixpath.normpath(posixpath.join(folder, unquote(item.get("href") or "")))
        for item in book.iterfind("{*}manifest/{*}item")
        if item.get("media-type") in _PAGES
    }
    writer = Writer(limits.text)
    for reference in book.iterfind("{*}spine/{*}itemref"):
        chapter = chapters.get(reference.get("idref"))
        if chapter is None:
            continue
        if chapter not in archive.names:
            raise Damaged(f"{chapter} is missing")
        try:
            writer.include(html.parse(decode(archive.read(chapter), declared=True), limits))
        except NoText:  # a cover, a picture
            continue
    return writer.parsed(formats.EPUB, titles(book))
