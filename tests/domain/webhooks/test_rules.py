"""Webhooks: allowed addresses, signatures and retries."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest

from tests.refusals import refuses
from webapp.domain.errors import BadInput, Refused
from webapp.domain.webhooks.rules import (
    GIVE_UP_AFTER,
    LONGEST_PAUSE,
    Target,
    decide_address,
    decide_next_try,
    parse_url,
    sign,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CLOSED = """
127.0.0.1 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 240.0.0.1
255.255.255.255 192.0.2.1 198.18.0.1 ::1 :: fe80::1 fe80::1%eth0 fc00::1 fd12::1 ff02::1
::ffff:127.0.0.1 ::ffff:8.8.8.8 64:ff9b::a00:1 2002:a00:1::1 2001:0:a00:1::1 2001:db8::1
fec0::1 fec0::a00:1 feff::1 ::10.0.0.1 ::8.8.8.8 ::ffff:0:10.0.0.1 64:ff9b:1::a00:1 64:ff9b::8.8.8.8
100::1 2001:2::1 2001:10::1 2001:20::1 3fff::1 5f00::1 ff0e::1 4000::1
100.127.255.254 192.0.0.8 192.88.99.1 198.19.255.255 198.51.100.1 203.0.113.1 239.1.1.1 0.1.2.3
""".split()


@pytest.mark.parametrize("address", CLOSED)
def test_what_is_not_public_is_closed_alone_and_beside_a_public_one(address: str) -> None:
    for found in ([address], ["8.8.8.8", address], [address, "2606:4700::1111"]):
        with refuses(Refused, match="WINUX_WEBHOOK_NETWORKS"):
            decide_address(found, [])


def test_public_addresses_are_open_and_the_first_is_taken() -> None:
    assert decide_address(["2606:4700::1111", "8.8.8.8"], []) == "2606:4700::1111"


@pytest.mark.parametrize(
    "address",
    ["100.63.255.255", "100.128.0.1", "172.32.0.1", "192.0.1.1", "2001:200::1", "2600::1"],
)
def test_the_neighbours_of_closed_networks_are_open(address: str) -> None:
    assert decide_address([address], []) == address


def test_an_allowed_network_is_open_and_no_other() -> None:
    allowed = [ip_network("10.1.0.0/16"), ip_network("fd12::/48")]
    assert decide_address(["10.1.2.3"], allowed) == "10.1.2.3"
    assert decide_address(["fd12::5"], allowed) == "fd12::5"
    for address in ("10.2.0.1", "fd13::1", "127.0.0.1", "::ffff:10.1.2.3"):
        with pytest.raises(Refused):
            decide_address([address], allowed)


def test_no_address_is_refused() -> None:
    with pytest.raises(Refused):
        decide_address([], [])


@pytest.mark.parametrize(
    ("url", "target", "authority"),
    [
        ("https://example.org", Target(True, "example.org", 443, "/"), "example.org"),
        (" http://Example.org/a?b=c ", Target(False, "example.org", 80, "/a?b=c"), "example.org"),
        ("https://[2606::1]:8443/x", Target(True, "2606::1", 8443, "/x"), "[2606::1]:8443"),
        ("http://example.org:443/", Target(False, "example.org", 443, "/"), "example.org:443"),
    ],
)
def test_addresses_are_taken_apart(url: str, target: Target, authority: str) -> None:
    assert parse_url(url) == target
    assert target.authority == authority


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "ftp://example.org",
        "https://",
        "https:///path",
        "https://user@example.org",
        "https://user:secret@example.org",
        "https://example.org/#part",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://example.org:x/",
        "https://exam ple.org/",
        "https://example.org/\r\nX-Evil: yes",
        "https://exämple.org/",
        "https://[::1/",
        "https://example.org/" + "x" * 500,
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(BadInput):
        parse_url(url)


def test_a_signature_is_that_of_secret_time_and_body() -> None:
    # printf '1700000000.{}' | openssl dgst -sha256 -hmac whsec_x
    made = sign("whsec_x", 1700000000, b"{}")
    assert made == "v1=be8cb8325f2202445260a855532f967e30ad2a9394ce28da66ee02880ddcb661"
    for other in (
        sign("whsec_y", 1700000000, b"{}"),
        sign("whsec_x", 1700000001, b"{}"),
        sign("whsec_x", 1700000000, b"{ }"),
    ):
        assert other != made


def test_tries_come_later_and_later_and_end_after_a_day() -> None:
    for chance in (0.0, 0.5, 1.0):
        now, attempts, pauses = NOW, 0, []
        while True:
            attempts += 1
            again_at = decide_next_try(attempts, NOW, now, chance)
            if again_at is None:
                break
            pauses.append(again_at - now)
            now = again_at
        assert timedelta(seconds=7) < pauses[0] < timedelta(seconds=13)
        assert pauses[:8] == sorted(pauses[:8])
        assert max(pauses) <= LONGEST_PAUSE * 1.25
        assert timedelta(hours=22) < now - NOW < GIVE_UP_AFTER
        assert 20 < attempts < 60
