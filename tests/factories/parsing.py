"""What a reader made of a file, in the words of a test."""

import io

import pytest

from appliance.knowledge.parsing.errors import FileRefused
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.parsed import Parsed
from appliance.knowledge.parsing.read import read


def shown(document: Parsed) -> list[tuple[str, str]]:
    """Each block's kind and text."""
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


def refusal(content: bytes, name: str, limits: ParseLimits) -> type[FileRefused]:
    """The reason for which a file is refused; the test fails where it is read."""
    with pytest.raises(FileRefused) as caught:
        read(io.BytesIO(content), name, limits)
    return type(caught.value)
