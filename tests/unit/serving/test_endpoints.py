"""Engines that somebody else starts: their addresses."""

from collections.abc import Sequence

from appliance.serving.endpoints import Elsewhere, addresses, resolve

NAMES = {"pods": ("10.0.0.1", "10.0.0.2"), "six": ("fd00::1",)}


def look(host: str, _port: int) -> Sequence[str]:
    """A small name service."""
    return NAMES.get(host, ())


def test_each_address_behind_a_name_is_an_engine() -> None:
    urls = ("http://pods:8000", "http://six", "http://gone:8000", "http://pods:8000")
    assert addresses(urls, look) == ("http://10.0.0.1:8000", "http://10.0.0.2:8000", "http://[fd00::1]:80")


def test_a_name_that_there_is_not_has_no_addresses() -> None:
    assert resolve("127.0.0.1", 8000) == ["127.0.0.1"]
    assert resolve("no-such-host.invalid", 8000) == ()


def test_it_is_let_go_and_not_stopped() -> None:
    engine = Elsewhere()
    assert (engine.pid, engine.poll()) == (None, None)
    engine.ask_to_stop(10)
    assert engine.poll() == 0
