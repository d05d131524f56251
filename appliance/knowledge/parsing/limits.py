"""What one file may cost. The defaults hold in tests and benches; the appliance fills them from its settings."""

from dataclasses import asdict, dataclass
from typing import Literal

Recognition = Literal["auto", "always", "never"]
"""Text in pictures: of pages without a text layer; of all pages, whatever their layer says; of none."""


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """Bytes, characters, seconds. ``unpacked`` and ``ratio`` are checked while unpacking: declared sizes can lie."""

    file_bytes: int = 100 * 1024 * 1024
    text: int = 20_000_000
    seconds: int = 120
    memory: int = 1536 * 1024 * 1024
    unpacked: int = 192 * 1024 * 1024
    ratio: int = 150
    entries: int = 4096
    pages: int = 5000
    recognition: Recognition = "auto"

    def as_fields(self) -> dict[str, int | str]:
        """For the pipe to the child."""
        return asdict(self)
