"""What a browser shows at the appliance's address, which the first start tells people to go to."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

PAGE: Final = Path(__file__).with_suffix(".html")
POLICY: Final = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

router = APIRouter(include_in_schema=False)


@router.get("/", response_class=HTMLResponse)
def front() -> HTMLResponse:
    """That it runs, and how to ask: the same for all, and nothing of this appliance."""
    return HTMLResponse(PAGE.read_bytes(), headers={"content-security-policy": POLICY})
