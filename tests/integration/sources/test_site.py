"""A web site as a source: how far the crawl goes, whom it obeys, and where it never goes."""

import gzip
from collections.abc import Iterator
from contextlib import closing

import pytest

from appliance.drivers.sources.port import Entry
from appliance.drivers.sources.reach import Http, Reach
from appliance.drivers.sources.site import Bounds, Site
from tests.factories.site import Answer, Town, page, serving, to
from tests.integration.sources.works import MAKES, Json, Works

PDF = b"%PDF-1.4\n%%EOF\n"


@pytest.fixture
def town() -> Iterator[Town]:
    pages = {
        "/": page("/leave", "travel/trains?class=2#second", "/files/form.pdf", "mailto:a@b.c", "javascript:alert(1)"),
        "/leave": page("/", "/deep/1"),
        "/travel/trains?class=2": page(),
        "/files/form.pdf": Answer(PDF, kind="application/pdf"),
        "/deep/1": page("/deep/2"),
        "/deep/2": page("/deep/3"),
        "/deep/3": page(),
    }
    with serving(pages) as town:
        yield town


@pytest.fixture
def works_in(works: Works, town: Town) -> Works:
    works.allow(f"127.0.0.1:{town.port}")
    return works


def settings(town: Town, **more: object) -> Json:
    return {"kind": "web", "start": [town.address], "milliseconds": 0, **more}


def names(town: Town, *paths: str) -> set[str]:
    return {f"127.0.0.1:{town.port}{path}" for path in paths}


FOUND = (".html", "/leave.html", "/travel/trains?class=2.html", "/files/form.pdf", "/deep/1.html", "/deep/2.html")


def test_pages_and_files_are_followed(works_in: Works, town: Town) -> None:
    works = works_in
    source = works.add(settings(town))
    assert "bytes of text/html" in works.made("POST", f"{MAKES}/{source}/test")["found"]
    assert works.run(source) == {"taken": 6}
    assert set(works.documents()) == names(town, *FOUND), "as deep as it may go, each page once"
    assert town.asked.count("/leave") == 1
    assert works.run(source) == {"unchanged": 6}
    town.pages["/leave"] = page("/", "/deep/1", text="Everyone has 30 days.")
    del town.pages["/files/form.pdf"]
    assert works.run(source) == {"updated": 1, "unchanged": 4, "deleted": 1}


def test_limits_end_the_crawl_and_then_nothing_is_deleted(works_in: Works, town: Town) -> None:
    works = works_in
    source = works.add(settings(town))
    works.run(source)
    works.change(source, settings=settings(town, pages=2))
    town.asked.clear()
    assert works.run(source) == {"unchanged": 2}
    assert len(works.documents()) == 6
    assert [path for path in town.asked if path != "/robots.txt"] == ["/", "/leave"]
    works.change(source, settings=settings(town, depth=0))
    assert works.run(source) == {"unchanged": 1, "deleted": 5}, "a depth is no limit met: what lies deeper is left out"


def test_a_page_that_fails_is_not_gone(works_in: Works, town: Town) -> None:
    works = works_in
    source = works.add(settings(town))
    works.run(source)
    town.pages["/leave"] = Answer(status=503)
    assert works.run(source) == {"unchanged": 3, "failed": 1}
    assert len(works.documents()) == 6
    town.pages["/"] = Answer(status=500)
    assert works.failed(source) == "source_unreachable"
    assert len(works.documents()) == 6


def test_robots_are_obeyed(works_in: Works, town: Town) -> None:
    works = works_in
    rules = "User-agent: *\nDisallow: /travel/\nAllow: /\n\nUser-agent: appliance-sources\nDisallow: /deep/2\n"
    town.pages["/robots.txt"] = Answer(rules.encode(), kind="text/plain")
    town.pages["/leave"] = page("/deep/1", head='<meta name="robots" content="noindex">')
    town.pages["/deep/1"] = page("/deep/3", head='<meta name="ROBOTS" content="nofollow">')
    source = works.add(settings(town))
    works.run(source)
    assert set(works.documents()) == names(
        town, ".html", "/travel/trains?class=2.html", "/files/form.pdf", "/deep/1.html"
    )
    assert "/deep/2" not in town.asked
    assert {(name, code) for name, _, code in works.log(source, act="skipped")} == {
        (name, "robots") for name in names(town, "/leave.html")
    }


def test_a_robots_file_that_cannot_be_had_forbids_all(works_in: Works, town: Town) -> None:
    town.pages["/robots.txt"] = Answer(status=503)
    source = works_in.add(settings(town))
    assert works_in.failed(source) == "source_unreachable"
    assert set(town.asked) == {"/robots.txt"}


@pytest.mark.parametrize(
    "attack",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]:{other}/secret",
        "http://[::ffff:127.0.0.1]:{other}/secret",
        "http://127.0.0.1:{other}/secret",
        "http://0.0.0.0:{other}/secret",
        "http://2130706433:{other}/secret",
        "http://0x7f000001:{other}/secret",
        "http://127.1:{other}/secret",
        "http://localhost:{other}/secret",
        "http://a@127.0.0.1:{other}/secret",
        "http://127.0.0.1:{port}\\@127.0.0.1:{other}/secret",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{other}/secret",
        "//127.0.0.1:{other}/secret",
    ],
)
@pytest.mark.parametrize("by", ["link", "redirect", "hop", "first"])
def test_no_page_leads_to_what_lies_inside(town: Town, attack: str, by: str) -> None:
    """The crawl may visit each of these hosts by name, and the operator allows but one port of this machine."""
    with serving({"/secret": page(text="a secret of the inside")}) as other:
        address = attack.format(port=town.port, other=other.port)
        town.pages["/"] = page(address, "/hop") if by == "link" else page("/leave")
        town.pages["/leave"] = to(address) if by == "redirect" else to("/hop") if by == "hop" else page()
        town.pages["/hop"] = to(address)
        first = (address, town.address) if by == "first" else (town.address,)
        found = crawl(town, *first)
        assert other.asked == []
        assert town.address in {entry.external for entry in found if entry.skip is None}
        assert not {entry.external for entry in found if entry.skip is None and "secret" in entry.external}


def crawl(town: Town, *first: str) -> list[Entry]:
    """A crawl by the connector alone."""
    bounds = Bounds(depth=3, pages=50, bytes=10**6, largest=10**6, hosts=frozenset(HOSTS), seconds=0)
    http = Http(Reach(frozenset({f"127.0.0.1:{town.port}"})))
    with closing(Site(http, first, bounds, types={"text/html": ".html"})) as site:
        return list(site.entries())


HOSTS = ["169.254.169.254", "::1", "127.0.0.1", "0.0.0.0", "localhost", "::ffff:127.0.0.1"]


def test_redirects_within_the_site_are_followed_and_loops_end(works_in: Works, town: Town) -> None:
    town.pages["/"] = page("/old", "/loop")
    town.pages["/old"] = to("/leave")
    town.pages["/loop"] = to("/loop")
    source = works_in.add(settings(town, depth=1))
    assert works_in.run(source) == {"taken": 2, "failed": 1}
    assert town.asked.count("/loop") == 6


def test_what_is_too_large_or_compressed_unasked_is_not_taken(works_in: Works, town: Town) -> None:
    works = works_in
    town.pages["/"] = page("/large.txt", "/bomb")
    town.pages["/large.txt"] = Answer(b"a" * 5_000, kind="text/plain")
    town.pages["/bomb"] = Answer(gzip.compress(b"a" * 10_000_000), headers={"content-encoding": "gzip"})
    works.limit(1_000)
    source = works.add(settings(town))
    assert works.run(source) == {"taken": 1, "skipped": 1, "failed": 1}
    assert {(act, code) for _, act, code in works.log(source)} == {
        ("taken", None),
        ("skipped", "file_too_large"),
        ("failed", "not_fetched"),
    }


def test_what_the_operator_allows_is_reached(town: Town) -> None:
    """So that the attacks above fail by the address, and not because nothing would have been asked for."""
    with serving({"/secret": page()}) as other:
        town.pages["/"] = page(f"{other.address}secret")
        bounds = Bounds(depth=3, pages=50, bytes=10**6, largest=10**6, seconds=0)
        with closing(Site(Http(Reach(frozenset({"127.0.0.1"}))), (town.address,), bounds)) as site:
            assert len(list(site.entries())) == 2
        assert other.asked == ["/robots.txt", "/secret"]
