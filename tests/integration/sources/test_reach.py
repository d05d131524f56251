"""What sources on the network may reach: each address is looked at, and the socket goes to the one that was."""

import ipaddress
import itertools
from collections.abc import Iterator

import pytest

from appliance.drivers.fetcher import AddressRefused, NotFetched, parse
from appliance.drivers.sources.reach import Http, Reach, allowed, public, whole
from tests.factories.site import Answer, Town, serving

INSIDE = (
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8",
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
)  # fmt: skip
OUTSIDE = ("8.8.8.8", "1.1.1.1", "2606:4700:4700::1111")


@pytest.mark.parametrize("address", INSIDE)
def test_nothing_inside_is_public(address: str) -> None:
    assert not public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", OUTSIDE)
def test_what_is_public_is(address: str) -> None:
    assert public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "::ffff:10.0.0.1"])
def test_no_operator_allows_these_by_a_name(address: str) -> None:
    assert not allowed(ipaddress.ip_address(address))
    reach = Reach(frozenset({"inside.example"}), resolver=lambda _host, _port: [address])
    with pytest.raises(AddressRefused):
        reach.pinned(parse("https://inside.example/"))


def test_one_bad_address_among_good_ones_refuses_the_name() -> None:
    reach = Reach(resolver=lambda _host, _port: ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(AddressRefused):
        reach.pinned(parse("https://both.example/"))


@pytest.fixture
def town() -> Iterator[Town]:
    with serving({"/": Answer(b"inside"), "/long": Answer(b"a" * 2_000)}) as town:
        yield town


def test_a_name_that_points_elsewhere_the_second_time_changes_nothing(town: Town) -> None:
    """DNS rebinding: the first answer is looked at, and the socket goes there; no second one is asked for."""
    answers = itertools.chain([["127.0.0.1"]], itertools.repeat(["10.255.255.1"]))
    host = f"town.example:{town.port}"
    http = Http(Reach(frozenset({host}), resolver=lambda _host, _port: next(answers)))
    try:
        for _ in range(3):
            with http.asked("GET", f"http://{host}/") as answer:
                assert whole(answer, 100) == b"inside"
    finally:
        http.close()
    rebound = itertools.chain([["8.8.8.8"]], itertools.repeat(["127.0.0.1"]))
    asked: list[str] = []

    def resolver(host: str, _port: int) -> list[str]:
        asked.append(host)
        return next(rebound)

    assert str(Reach(resolver=resolver).pinned(parse(f"http://{host}/"))) == "8.8.8.8"
    assert len(asked) == 1


def test_the_host_is_told_and_other_ports_are_not_allowed_with_it(town: Town) -> None:
    reach = Reach(frozenset({f"127.0.0.1:{town.port}"}))
    with pytest.raises(AddressRefused), Http(reach).asked("GET", "http://127.0.0.1:1/"):
        pass
    http = Http(reach)
    with pytest.raises(NotFetched), http.asked("GET", f"{town.address}long") as answer:
        whole(answer, 1_000)
    http.close()


def test_credentials_go_in_clear_only_where_the_operator_says_so() -> None:
    where = parse("http://bucket.example/")
    with pytest.raises(AddressRefused):
        Reach().sealed(where)
    assert Reach(frozenset({"bucket.example"})).sealed(where) is where
    sealed = parse("https://bucket.example/")
    assert Reach().sealed(sealed) is sealed
