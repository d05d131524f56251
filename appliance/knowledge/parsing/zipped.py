"""A ZIP of documents: each member below its path. What systems leave in archives is passed over."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import Final

from appliance.knowledge.parsing import formats, nested
from appliance.knowledge.parsing.archive import Archive
from appliance.knowledge.parsing.errors import NoText
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.parsed import Parsed
from appliance.knowledge.parsing.writer import Writer

_LEFT: Final = ("__MACOSX/",)
_LEFT_FILES: Final = frozenset(["thumbs.db", "desktop.ini"])


def parse(archive: Archive, read: nested.Reader, limits: ParseLimits) -> Parsed:
    """All documents of an archive. Raises why the first could not be read where none can."""
    writer = Writer(limits.text)
    refused = nested.include(writer, _members(archive), read, level=1)
    parsed = writer.parsed(formats.ZIP, "", nested.told(refused), headed=False)
    if not parsed.blocks:
        for name, error in refused:
            raise type(error)(f"{name}: {error.detail}".rstrip(": ")) from error
        raise NoText
    return parsed


def _members(archive: Archive) -> Iterator[tuple[str, Callable[[], bytes]]]:
    for member, name in sorted(archive.called.items(), key=lambda one: one[1]):
        last = PurePosixPath(name).name
        if name.endswith("/") or name.startswith(_LEFT) or last.startswith((".", "~$")) or last.lower() in _LEFT_FILES:
            continue
        yield name, partial(archive.read, member)
