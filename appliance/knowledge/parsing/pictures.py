"""PNG, JPEG, TIFF and WebP: each frame a page, read by text recognition.

Imported with the eye only: NumPy and Pillow take a hundred megabytes of address space that text does not need.
"""

import io
from collections.abc import Iterator
from typing import Final

import numpy as np
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from appliance.drivers.ocr.port import Eye, Picture
from appliance.knowledge.parsing.errors import (
    ArchiveBomb,
    Damaged,
    NoTextLayer,
    TooMuchText,
    Truncated,
)
from appliance.knowledge.parsing.layout import Line, written
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.parsed import Parsed
from appliance.knowledge.parsing.recognised import doubts, lines

_PIXELS: Final = 60_000_000
"""An A2 page at 300 dpi has 35 million."""

_SIDE: Final = 4000
_KINDS: Final = ("PNG", "JPEG", "TIFF", "WEBP")

Image.init()  # a fork that gave up root may not import what reads each kind


def parse(content: bytes, media_type: str, eye: Eye, limits: ParseLimits) -> Parsed:
    """A picture's text. Raises NoTextLayer, Truncated, Damaged, ArchiveBomb, TooMuchText."""
    pages: list[list[Line]] = []
    warnings: list[str] = []
    for number, frame in enumerate(_frames(content, limits), start=1):
        seen = eye.read(frame)
        pages.append(lines(seen, frame.shape))
        warnings += doubts(seen, number)
    if not any(pages):
        raise NoTextLayer("no text was recognised in the picture")
    return written(pages, "", limits, media_type=media_type, warnings=tuple(warnings))


def _frames(content: bytes, limits: ParseLimits) -> Iterator[Picture]:
    try:
        with Image.open(io.BytesIO(content), formats=_KINDS) as image:
            if image.width * image.height > _PIXELS:
                raise ArchiveBomb(f"{image.width} × {image.height} pixels")
            for number, frame in enumerate(ImageSequence.Iterator(image), start=1):
                if number > limits.pages:
                    raise TooMuchText(f"more than {limits.pages} pictures")
                if frame.width * frame.height > _PIXELS:
                    raise ArchiveBomb(f"{frame.width} × {frame.height} pixels")
                upright = ImageOps.exif_transpose(frame).convert("RGB")
                upright.thumbnail((_SIDE, _SIDE))
                yield np.ascontiguousarray(np.asarray(upright)[:, :, ::-1])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ArchiveBomb(error) from error
    except UnidentifiedImageError as error:
        raise Damaged("no picture that can be read") from error
    except (OSError, SyntaxError, ValueError) as error:
        if "truncated" in str(error).lower():
            raise Truncated from error
        raise Damaged(error) from error
