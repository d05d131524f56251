"""Pictures of pages, as scanners and phones make them."""

import io
from collections.abc import Sequence

import pypdfium2 as pdfium
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from tests.factories import files

Lines = Sequence[tuple[str, float, float, float]]


def picture(lines: Lines, *, dpi: int = 150, side: float = 360.0) -> Image.Image:
    """The upper left of an A4 page, so many points wide and high; lines as in ``files.pdf``."""
    return page(lines, dpi=dpi).crop((0, 0, int(side * dpi / 72), int(side * dpi / 72)))


def page(lines: Lines, *, dpi: int = 150) -> Image.Image:
    """A whole A4 page of these lines."""
    rendered: Image.Image = pdfium.PdfDocument(files.pdf(lines))[0].render(scale=dpi / 72).to_pil()
    return rendered


def saved(image: Image.Image, kind: str, **more: object) -> bytes:
    """The picture as a file: PNG, JPEG, TIFF or WEBP."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **more)
    return buffer.getvalue()


def scanned(*pages: Image.Image | str) -> bytes:
    """A PDF of pictures, and of text where a page is one."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(595, 842), invariant=1)
    for page in pages:
        if isinstance(page, str):
            canvas.drawString(50, 700, page)
        else:
            canvas.drawImage(ImageReader(page), 0, 0, 595, 842)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()
