"""``appliance documents original``, over a real socket."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.access.web import Databases
from appliance.entry import web
from appliance.entry.cli.originals import FileThere, OneOutput
from appliance.kit.errors import ApplianceError, NotFound
from appliance.kit.settings import Settings
from appliance.knowledge.parsing.host import ParserHost
from appliance.knowledge.parsing.limits import ParseLimits
from tests.factories.cli import Run, document, run
from tests.factories.serving import listening
from tests.integration.knowledge.office import Office, member
from tests.integration.web.conftest import House, roomy

FIRST, SECOND = b"# One\n\nThe pump is blue.\n", b"# Two\n\nThe pump is red.\n"


@pytest.fixture
def office(settings: Settings, databases: Databases, house: House) -> Iterator[Office]:
    with ParserHost(ParseLimits(seconds=30, file_bytes=10_000_000)) as parser:
        office = Office(databases, settings.layout.blobs, parser)
        office.me = member(house.one)
        office.collection = office.create("handbook")
        for content in (FIRST, SECOND):
            office.ready("halls/泵.md", content)
        yield office


@pytest.fixture
def cli(
    settings: Settings, databases: Databases, house: House, office: Office, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Run]:
    monkeypatch.setenv("APPLIANCE_KEY", house.member_of_one)
    with listening(web.server(web.build(roomy(settings, databases)), settings)) as port:
        monkeypatch.setenv("APPLIANCE_URL", f"http://127.0.0.1:{port}")
        yield run


def test_a_file_is_fetched_by_its_name_or_to_where_it_is_told(
    cli: Run, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("documents", "original", "halls/泵.md") == (0, "Wrote 泵.md: 24 B.\n")
    assert Path("泵.md").read_bytes() == SECOND
    with pytest.raises(FileThere):
        cli("documents", "original", "halls/泵.md")
    told = document(cli("documents", "original", "halls/泵.md", "--revision", 1, "-o", tmp_path / "泵.md", "--json")[1])
    assert Path("泵.md").read_bytes() == FIRST
    digest = hashlib.sha256(FIRST).hexdigest()
    assert (told["file"], told["sha256"], told["bytes"]) == (str(tmp_path / "泵.md"), digest, len(FIRST))
    assert told["media_type"] == "text/markdown"
    assert cli("documents", "original", told["document"], "-o", "-") == (0, SECOND.decode())
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["泵.md"], "nothing else is left"
    with pytest.raises(OneOutput):
        cli("documents", "original", "halls/泵.md", "-o", "-", "--json")
    with pytest.raises(NotFound, match="no revision 3"):
        cli("documents", "original", "halls/泵.md", "--revision", 3)

    with office.blobs.local(office.me.tenant, hashlib.sha256(SECOND).hexdigest()) as place:
        place.chmod(0o600)
        place.write_bytes(FIRST)
    with pytest.raises(ApplianceError) as failure:
        cli("documents", "original", "halls/泵.md", "-o", "damaged.md")
    assert failure.value.problem()["code"] == "original_damaged"
    assert not Path("damaged.md").exists()
    assert not Path(".damaged.md.part").exists()
