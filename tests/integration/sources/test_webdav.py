"""A WebDAV share of a real lighttpd as a source; what a server lies about is tried with one of our own."""

import os
from collections.abc import Iterator

import pytest

from appliance.kit.ids import uuid7
from tests.factories import lighttpd
from tests.factories.lighttpd import PASSWORD, USER, Lighttpd
from tests.factories.site import Answer, Town, serving
from tests.integration.sources.works import MAKES, Json, Works

LEAVE = b"# Leave\n\nEveryone has 25 days.\n"
real = pytest.mark.skipif(not lighttpd.THERE, reason="Debian's lighttpd-mod-webdav is not installed (bin/apt)")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lighttpd]:
    with lighttpd.running(tmp_path_factory.mktemp("dav")) as server:
        yield server


@pytest.fixture
def share(server: Lighttpd) -> str:
    book = server.root / uuid7().hex
    (book / "book/travel & more").mkdir(parents=True)
    (book / "book/leave.md").write_bytes(LEAVE)
    (book / "book/travel & more/年假 100%.md").write_bytes(LEAVE + b"More.\n")
    (book / "beside.md").write_bytes(LEAVE)
    return f"{server.url}{book.name}/book"


def settings(url: str, **more: object) -> Json:
    return {"kind": "webdav", "url": url, "user": USER, **more}


@real
def test_new_changed_and_gone_files_are_followed(works: Works, server: Lighttpd, share: str) -> None:
    works.allow(f"127.0.0.1:{server.port}")
    source = works.add(settings(share), secret=PASSWORD)
    assert "2 entries" in works.made("POST", f"{MAKES}/{source}/test")["found"]
    assert works.run(source) == {"taken": 2}
    assert set(works.documents()) == {"leave.md", "travel & more/年假 100%.md"}
    assert works.run(source) == {"unchanged": 2}
    book = server.root / share.removeprefix(server.url)
    (book / "leave.md").write_bytes(LEAVE + b"And more.\n")
    (book / "travel & more/年假 100%.md").unlink()
    assert works.run(source) == {"updated": 1, "deleted": 1}
    assert set(works.documents()) == {"leave.md"}
    os.utime(book / "leave.md", (1, 1))
    assert works.run(source) == {"unchanged": 1}


REFUSED: list[tuple[Json, str]] = [({}, "another"), ({"user": "who"}, PASSWORD), ({"user": None}, PASSWORD)]


@real
@pytest.mark.parametrize(("changed", "secret"), REFUSED)
def test_who_is_not_let_in_is_told(works: Works, server: Lighttpd, share: str, changed: Json, secret: str) -> None:
    works.allow(f"127.0.0.1:{server.port}")
    source = works.add(settings(share, **changed), secret=secret)
    assert works.failed(source) == "source_unreachable"
    assert "user and password" in works.made("GET", f"{MAKES}/{source}")["reason"]


@real
def test_a_share_in_the_company_needs_the_operators_word(works: Works, share: str) -> None:
    source = works.add(settings(share), secret=PASSWORD)
    assert works.failed(source) == "source_unreachable"


HREFS = (
    "/book/a.md", "/book/../secret.md", "/secret.md", "http://127.0.0.1:{other}/book/b.md", "//127.0.0.1:{other}/book/",
    "/book/%2e%2e/secret.md", "file:///etc/passwd", "/book/", "", "/bookish/c.md",
)  # fmt: skip


def multistatus(hrefs: list[str], head: str = "") -> Answer:
    item = '<response><href>{}</href><propstat><prop><getetag>"1"</getetag></prop></propstat></response>'
    items = "".join(item.format(href) for href in hrefs)
    body = f'<?xml version="1.0"?>{head}<multistatus xmlns="DAV:">{items}</multistatus>'
    return Answer(body.encode(), 207, "application/xml")


@pytest.fixture
def liar() -> Iterator[Town]:
    with serving({"/book/a.md": Answer(LEAVE)}) as liar:
        yield liar


def test_a_server_that_lies_leads_nowhere_else(works: Works, liar: Town) -> None:
    works.allow(f"127.0.0.1:{liar.port}")
    with serving({"/book/b.md": Answer(b"# Secret\n")}) as other:
        liar.pages["PROPFIND /book/"] = multistatus([href.format(other=other.port) for href in HREFS])
        source = works.add(settings(f"{liar.address}book"), secret=PASSWORD)
        assert works.run(source) == {"taken": 1}
        assert other.asked == []
    assert set(liar.asked) == {"PROPFIND /book/", "/book/a.md"}


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    "answer",
    [
        multistatus(["/book/&c;"], ENTITIES),
        Answer(b"<no xml", 207),
        Answer(b"", 500),
        Answer(b"", 302, headers={"location": "http://127.0.0.1:1/"}),
        Answer(b"<a>" * 100_000, 207),
    ],
)
def test_an_answer_that_is_none_fails_the_sync(works: Works, liar: Town, answer: Answer) -> None:
    works.allow(f"127.0.0.1:{liar.port}")
    liar.pages["PROPFIND /book/"] = answer
    source = works.add(settings(f"{liar.address}book"), secret=PASSWORD)
    assert works.failed(source) == "source_unreachable"
