"""Whose share of the connections an address counts in."""

import pytest

from appliance.entry.peers import Full, Peers
from appliance.kit.settings import WebSettings


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
    ],
)
def test_one_customer_has_one_share(first: str, second: str, *, same: bool) -> None:
    peers = Peers(WebSettings(connections_per_peer=1))
    peers.sit(first)
    if same:
        with pytest.raises(Full, match="One address"):
            peers.sit(second)
    else:
        peers.sit(second)


@pytest.mark.parametrize("proxies", ["*", "192.0.2.0/24, nonsense", "2001:db8::/32,192.0.2.1"])
def test_a_proxy_has_no_share_but_counts_among_all(proxies: str) -> None:
    peers = Peers(WebSettings(connections=3, connections_per_peer=1, proxies=proxies))
    for _ in range(3):
        peers.sit("192.0.2.1")
    with pytest.raises(Full, match="All connections"):
        peers.sit("192.0.2.1")


def test_who_has_no_address_is_of_this_machine_and_a_seat_can_be_taken_again() -> None:
    peers = Peers(WebSettings(connections=2, connections_per_peer=1))
    seats = [peers.sit(None), peers.sit(None)]
    with pytest.raises(Full):
        peers.sit(None)
    for seat in seats:
        peers.leave(seat)
    peers.leave(None)
    assert peers.sit("192.0.2.1") == "192.0.2.1"
