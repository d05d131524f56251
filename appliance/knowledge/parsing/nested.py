"""Files within files: attachments, members of archives. Each is read by the same rules and stands below its name.

One that cannot be read is left out and told in a warning, so that a picture in a mail does not hide the letter; what
would burst the caps of the whole refuses the whole.
"""

from collections.abc import Callable, Iterable
from typing import Final

from appliance.knowledge.parsing.errors import ArchiveBomb, FileRefused, NeedsRecognition, TooMuchText
from appliance.knowledge.parsing.parsed import Parsed
from appliance.knowledge.parsing.writer import Writer, flat

Reader = Callable[[bytes, str], Parsed]
"""The content and the name of a file within another → its document; raises FileRefused."""

DEEPEST: Final = 8
"""Forwards of forwards are real; archives in archives without end are not."""

_WHOLE: Final = (ArchiveBomb, TooMuchText, NeedsRecognition)
"""The last is asked of another process, for the file as a whole."""


def include(
    writer: Writer, files: Iterable[tuple[str, Callable[[], bytes]]], read: Reader, *, level: int
) -> list[tuple[str, FileRefused]]:
    """Append each file under a heading of this level; which could not be read, and why."""
    refused: list[tuple[str, FileRefused]] = []
    for name, content in files:
        try:
            parsed = read(content(), name)
        except _WHOLE:
            raise
        except FileRefused as error:
            refused.append((name, error))
            continue
        writer.add("heading", flat(name), level=level)
        writer.include(parsed, below=level)
    return refused


def told(refused: Iterable[tuple[str, FileRefused]]) -> tuple[str, ...]:
    """As warnings."""
    return tuple(f"{name}: {error}" for name, error in refused)
