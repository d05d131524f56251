"""What an address may be, and where a socket may go. Sockets are shut here: nothing below gets as far as one."""

import ipaddress

import pytest

from appliance.drivers.fetcher import AddressRefused, Fetcher, parse, permitted

HOSTS = frozenset({("login.example.com", 443), ("127.0.0.1", 9400), ("::1", 9400), ("10.0.0.7", 443)})
AMBIGUOUS = [
    "file:///etc/passwd",
    "gopher://login.example.com/",
    "ftp://login.example.com/",
    "//login.example.com/",
    "login.example.com",
    "https:///",
    "https://",
    "https://user@login.example.com/",
    "https://user:secret@login.example.com/",
    "https://login.example.com@169.254.169.254/",
    "https://login.example.com\\@169.254.169.254/",
    "https://169.254.169.254\\.login.example.com/",
    "https://login.example.com/#@169.254.169.254/",
    "https://login.example.com:99999/",
    "https://login.example.com:x/",
    "https://login.example.com\n.evil.example/",
    "https://login.example.com /",
    "https://lоgin.example.com/",
    "https://[::1/",
    "https://127.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://login..example.com/",
    "https://-login.example.com/",
    "",
]
ELSEWHERE = [
    "https://evil.example/",
    "https://login.example.com.evil.example/",
    "https://evil.example/?x=login.example.com",
    "https://login.example.com:8443/",
    "https://169.254.169.254/latest/meta-data/",
    "https://127.0.0.1/",
    "https://[::ffff:127.0.0.1]:9400/",
    "https://10.0.0.8/",
]


@pytest.mark.parametrize("url", AMBIGUOUS, ids=repr)
def test_what_two_parsers_could_read_differently_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        parse(url)


@pytest.mark.parametrize("url", ELSEWHERE)
def test_only_configured_hosts_are_reached(url: str) -> None:
    with pytest.raises(AddressRefused):
        Fetcher(HOSTS).checked(url)


@pytest.mark.parametrize("url", ["http://login.example.com:443/", "http://10.0.0.7:443/"])
def test_nothing_but_a_loopback_is_reached_in_clear(url: str) -> None:
    with pytest.raises(AddressRefused, match="https"):
        Fetcher(HOSTS).checked(url)
    assert Fetcher(HOSTS).checked("http://127.0.0.1:9400/x?y=1").target == "/x?y=1"
    assert Fetcher(HOSTS).checked("http://[::1]:9400/").authority == "[::1]:9400"


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        ["::1"],
        ["169.254.169.254"],
        ["fe80::1"],
        ["::ffff:127.0.0.1"],
        ["::ffff:10.0.0.1"],
        ["2002:7f00:1::"],
        ["0.0.0.0"],
        ["224.0.0.1"],
        ["240.0.0.1"],
        ["192.0.2.1", "127.0.0.1"],
        [],
    ],
    ids=str,
)
def test_a_name_that_leads_to_this_machine_or_to_no_host_is_refused(answers: list[str]) -> None:
    """A name of a configured host whose owner answers with another address, once or every second time."""
    fetcher = Fetcher(HOSTS, resolver=lambda _host, _port: answers)
    with pytest.raises(AddressRefused, match="may not be reached"):
        fetcher.get("https://login.example.com/")


def test_a_company_s_own_network_is_reached() -> None:
    for address in ("10.1.2.3", "192.168.7.1", "172.16.0.9", "fd00::7", "203.0.113.9", "8.8.8.8"):
        assert permitted(ipaddress.ip_address(address), literal=False)
    assert permitted(ipaddress.ip_address("127.0.0.1"), literal=True)
    assert not permitted(ipaddress.ip_address("127.0.0.1"), literal=False)
