"""Why a file could not be read. Each has a stable code and a sentence for the one who uploaded it.

    FileRefused
    ├── EmptyFile        empty_file
    ├── FileTooLarge     file_too_large
    ├── UnknownType      type_not_accepted      a kind of file that we do not read
    ├── Mislabelled      mislabelled            the bytes are not what the name says
    ├── Encrypted        encrypted
    ├── Truncated        truncated              the end is missing
    ├── Damaged          damaged                not well-formed inside
    ├── ArchiveBomb      archive_bomb           unpacks to far more than it is
    ├── NoTextLayer      no_text_layer          a picture or scan in which no text was found
    ├── NeedsRecognition needs_recognition      a picture or scan, and nobody who recognises text
    ├── NoText           no_text                well-formed, but says nothing
    ├── TooMuchText      too_much_text
    ├── TooSlow          too_slow               over its time
    ├── TooHungry        out_of_memory          over its memory
    └── Unreadable       could_not_be_read      the parser died of it

They cross the pipe from the parser's process as (code, detail); ``refusal`` makes the object again.
"""

from typing import ClassVar

from appliance.knowledge.parsing.formats import SENTENCE


class FileRefused(Exception):
    """This file cannot be taken in. ``str()`` is the sentence that the uploader sees."""

    code: ClassVar[str] = "could_not_be_read"
    sentence: ClassVar[str] = "The file could not be read."

    def __init__(self, detail: object = "") -> None:
        self.detail = str(detail)
        super().__init__(self.sentence + (f" ({self.detail})" if self.detail else ""))


class EmptyFile(FileRefused):
    """No bytes, or white space only."""

    code = "empty_file"
    sentence = "The file is empty."


class FileTooLarge(FileRefused):
    """More bytes than the limit."""

    code = "file_too_large"
    sentence = "The file is larger than this appliance takes."


class UnknownType(FileRefused):
    """None of the formats that are read."""

    code = "type_not_accepted"
    sentence = f"This kind of file is not read here: send {SENTENCE}."


class Mislabelled(FileRefused):
    """The name promises another format."""

    code = "mislabelled"
    sentence = "The file is not what its name says."


class Encrypted(FileRefused):
    """A password is needed."""

    code = "encrypted"
    sentence = "The file is encrypted: remove its password and send it again."


class Truncated(FileRefused):
    """The end is missing."""

    code = "truncated"
    sentence = "The file is cut off: its end is missing. Send it again."


class Damaged(FileRefused):
    """Broken inside."""

    code = "damaged"
    sentence = "The file is damaged inside."


class ArchiveBomb(FileRefused):
    """Unpacks to far more than a document does."""

    code = "archive_bomb"
    sentence = "The file unpacks to far more than a document holds, and was not opened further."


class NoTextLayer(FileRefused):
    """Pictures without text."""

    code = "no_text_layer"
    sentence = "The file has no text layer, and no text could be recognised in it."


class NeedsRecognition(FileRefused):
    """Pictures of text; the host then asks the process that can read them."""

    code = "needs_recognition"
    sentence = "The file is a picture or a scan, and text recognition is not at hand."


class NoText(FileRefused):
    """Nothing to read in it."""

    code = "no_text"
    sentence = "There is no text in the file."


class TooMuchText(FileRefused):
    """More text than a document may have."""

    code = "too_much_text"
    sentence = "The file holds more text than this appliance takes in one document: split it."


class TooSlow(FileRefused):
    """Reading took longer than allowed."""

    code = "too_slow"
    sentence = "Reading the file took longer than allowed."


class TooHungry(FileRefused):
    """Reading needed more memory than allowed."""

    code = "out_of_memory"
    sentence = "Reading the file needed more memory than allowed."


class Unreadable(FileRefused):
    """The parser died."""


def _all(base: type[FileRefused]) -> list[type[FileRefused]]:
    return [base, *(leaf for child in base.__subclasses__() for leaf in _all(child))]


def refusal(code: str, detail: str) -> FileRefused:
    """The refusal with this code; ``Unreadable`` where the code is none of ours."""
    kinds = {kind.code: kind for kind in _all(FileRefused) if kind is not FileRefused}
    return kinds.get(code, Unreadable)(detail)
