"""What is dark on a page, found by rendering it: the truth that places on pages are held against."""

import io

import numpy as np
import pypdfium2 as pdfium
from PIL import Image

Edges = tuple[float, float, float, float]
"""Left, top, right and bottom, in fractions of a page's width and height."""

DARK = 160


def rendered(content: bytes, number: int = 0, scale: float = 3.0) -> Image.Image:
    """A page of a PDF as viewers show it."""
    image: Image.Image = pdfium.PdfDocument(content)[number].render(scale=scale).to_pil()
    return image


def ink(image: Image.Image, within: Edges = (0, 0, 1, 1)) -> Edges:
    """Around all that is dark in a part of a picture."""
    dark = np.asarray(image.convert("L")) < DARK
    height, width = dark.shape
    mask = np.zeros_like(dark)
    left, top, right, bottom = within
    mask[round(top * height) : round(bottom * height), round(left * width) : round(right * width)] = True
    rows, columns = np.nonzero(dark & mask)
    return columns.min() / width, rows.min() / height, (columns.max() + 1) / width, (rows.max() + 1) / height


def turned(content: bytes, degrees: int = 0, crop: tuple[float, float, float, float] | None = None) -> bytes:
    """The same PDF, its first page turned and cropped (left, bottom, right, top in points)."""
    document = pdfium.PdfDocument(content)
    document[0].set_rotation(degrees)
    if crop:
        document[0].set_cropbox(*crop)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def encloses(outer: Edges, inner: Edges, slack: float) -> bool:
    """Whether the inner lies in the outer, and the outer is no further from it than ``slack``, on each side."""
    gaps = (inner[0] - outer[0], inner[1] - outer[1], outer[2] - inner[2], outer[3] - inner[3])
    return all(-0.002 <= gap <= slack for gap in gaps)
