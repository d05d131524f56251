"""How sure recognition was of a line: kept with the revision and the passages, told by document, text and hit."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from PIL import Image

from appliance.access.web import Databases
from appliance.drivers.ocr.memory import KnowingEye
from appliance.drivers.ocr.port import Seen
from appliance.kit.errors import BadCursor
from appliance.kit.ids import uuid7
from appliance.knowledge.errors import DocumentNotFound, NoText
from appliance.knowledge.listing import Listing
from appliance.knowledge.parsing.limits import ParseLimits, Recognition
from appliance.knowledge.parsing.parsed import Parsed
from appliance.knowledge.parsing.read import read
from appliance.knowledge.revisions import Revisions
from appliance.knowledge.schemas import BoxView, ChunkView, DocumentView, TextView
from appliance.knowledge.search_schemas import FoundView
from appliance.knowledge.service import Knowledge
from appliance.knowledge.wish import Wish
from tests.factories import scans
from tests.integration.knowledge.office import Office

BLANK = scans.saved(Image.new("RGB", (800, 600), "white"), "PNG")


class Knowing:
    """The readers, with an eye that knows what it sees."""

    def __init__(self, answers: Iterable[list[Seen]]) -> None:
        self._eye = KnowingEye(answers)

    def parse(self, path: Path, name: str, recognition: Recognition = "auto") -> Parsed:
        with path.open("rb") as file:
            return read(file, name, ParseLimits(recognition=recognition), self._eye)


def seen(*lines: tuple[str, float]) -> list[Seen]:
    return [Seen(text, sure, 10, 60.0 * row, 700, 60.0 * row + 20) for row, (text, sure) in enumerate(lines)]


def box(row: int) -> BoxView:
    """Where ``seen`` has a line on its picture of 800 by 600."""
    return BoxView(page=1, x0=10 / 800, y0=60 * row / 600, x1=700 / 800, y1=round((60 * row + 20) / 600, 4))


FENCE = "The numbat fence of the quarry is inspected every 43 days by the warden of the southern gate"
BOLT = "The dingo bolt of the eastern winch is tightened with 37 Nm by the mechanic who is then on duty"
PAGE = seen(
    (f"{FENCE}, who keeps both the key and the book in the lower drawer.", 0.62),
    (f"{BOLT}, and again by another one before the winch lifts anything.", 0.97),
)
"""Each as long as a passage of these tests."""


def test_a_line_keeps_its_confidence_as_far_as_its_reader(databases: Databases, tmp_path: Path) -> None:
    office = Office(databases, tmp_path / "blobs", Knowing([PAGE]))
    document = office.ready("scan.png", BLANK)
    told = DocumentView.of(document)
    assert (told.recognised_lines, told.doubtful_lines) == (2, 1)

    with databases.app.session(office.me.tenant) as session:
        served = TextView.of(Knowledge(session, office.me).text(document.id))
        assert TextView.of(Revisions(session, office.me).text(document.id, 1)) == served
    assert [(served.text[one.start : one.end], one.confidence) for one in served.recognised] == [
        (one.text, one.confidence) for one in PAGE
    ]

    with databases.app.session(office.me.tenant) as session:
        first = Listing(session, office.me).page(document.id, None, 1)
        second = Listing(session, office.me).page(document.id, first.next_cursor, 1)
    listed = [ChunkView.of(one) for one in (*first.items, *second.items)]
    assert [(one.ordinal, one.confidence, one.boxes) for one in listed] == [(0, 0.62, [box(0)]), (1, 0.97, [box(1)])]
    assert all(served.text[one.start : one.end] == one.text for one in listed)
    assert second.next_cursor is None

    numbat, dingo = (FoundView.of(office.search(words, Wish(1))).hits[0] for words in ("numbat fence", "dingo bolt"))
    assert (numbat.confidence, dingo.confidence) == (0.62, 0.97)
    assert [list(box) for box in (numbat.boxes, dingo.boxes)] == [[box(0)], [box(1)]]
    around = FoundView.of(office.search("dingo bolt", Wish(1, stitch=1))).hits[0]
    assert around.text.startswith("The numbat")
    assert around.confidence == 0.62
    assert around.boxes == [BoxView(page=1, x0=box(0).x0, y0=box(0).y0, x1=box(1).x1, y1=box(1).y1)]


def test_what_was_not_read_from_a_picture_has_none(office: Office) -> None:
    told = DocumentView.of(office.ready("a.md", "The emu rule."))
    assert (told.recognised_lines, told.doubtful_lines) == (None, None)
    hit = FoundView.of(office.search("emu rule", Wish())).hits[0]
    assert (hit.confidence, hit.boxes) == (None, [])


def test_passages_are_listed_for_who_may_read_the_document_and_of_what_is_served(office: Office) -> None:
    document = office.ready("a.md", "# Emu\n\nThe emu rule.\n\n# Kiwi\n\nThe kiwi rule.")
    stranger = office.join(uuid7())
    with office.databases.app.session(office.me.tenant) as session:
        page = Listing(session, office.me).page(document.id, None, 1)
        assert [(one.text, one.headings, one.boxes) for one in page.items] == [("# Emu\n\nThe emu rule.", ("Emu",), ())]
    with office.databases.app.session(stranger.tenant) as session, pytest.raises(DocumentNotFound):
        Listing(session, stranger).page(document.id, None, 1)
    office.ready("a.md", "# Cassowary\n\nThe cassowary rule.")
    unread = office.add("b.md", b"# Not read yet").document.id
    with office.databases.app.session(office.me.tenant) as session:
        listing = Listing(session, office.me)
        with pytest.raises(BadCursor):
            listing.page(document.id, page.next_cursor, 1)
        with pytest.raises(NoText):
            listing.page(unread, None, 1)
        Knowledge(session, office.me).forget(document.id)
        session.flush()
        with pytest.raises(DocumentNotFound):
            listing.page(document.id, None, 1)
