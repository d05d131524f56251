"""What a job may say of its document while others change it."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from appliance.access.web import Databases
from appliance.knowledge.life import Life
from appliance.knowledge.parsing.host import ParserHost
from appliance.knowledge.parsing.limits import Recognition
from appliance.knowledge.parsing.parsed import Parsed
from tests.integration.knowledge.office import Office

FIRST, SECOND = b"# Leave\n\nEveryone has 25 days.", b"# Leave\n\nEveryone has 27 days."


class Meanwhile:
    """A parser that does something the first time, before it answers."""

    def __init__(self, inner: ParserHost) -> None:
        self._inner = inner
        self.act: Callable[[], object] | None = None

    def parse(self, path: Path, name: str, recognition: Recognition = "auto") -> Parsed:
        parsed = self._inner.parse(path, name, recognition)
        act, self.act = self.act, None
        if act is not None:
            act()
        return parsed


def states(office: Office, document: UUID) -> list[str]:
    with office.databases.app.session(office.me.tenant) as session:
        return [stage.state for stage in Life(session, office.me).history(document)]


def test_a_job_whose_revision_is_replaced_while_it_reads_says_no_more(
    databases: Databases, tmp_path: Path, parser: ParserHost
) -> None:
    slow = Meanwhile(parser)
    office = Office(databases, tmp_path / "blobs", slow)
    document = office.add("leave.md", FIRST).document.id
    slow.act = lambda: office.add("leave.md", SECOND)
    office.settle()
    read_once = ["queued", "parsing", "encoding", "indexing", "ready"]
    assert states(office, document) == ["queued", "parsing", *read_once]
    assert office.find("How many days?").passages[0].text.endswith("27 days.")


def test_a_job_whose_document_is_deleted_while_it_reads_says_no_more(
    databases: Databases, tmp_path: Path, parser: ParserHost
) -> None:
    slow = Meanwhile(parser)
    office = Office(databases, tmp_path / "blobs", slow)
    document = office.add("leave.md", FIRST).document.id
    slow.act = lambda: office.forget(document)
    assert office.runner.run_next() is not None
    assert office.document(document).state == "deleting"
    office.settle()
    assert (office.chunks(), office.points(), office.files()) == (set(), set(), set())
