"""The names that desktops have in DNS."""

import pytest

from webapp.domain.desktops.host_names import LONGEST_DOMAIN, fqdn_of, hosts_lines, parse_domain


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("desks.example.org", "desks.example.org"),
        ("Desks.Example.ORG.", "desks.example.org"),
        ("lan", "lan"),
        ("xn--bro-hoa.example.org", "xn--bro-hoa.example.org"),
        ("1.a-b.c3", "1.a-b.c3"),
    ],
)
def test_a_domain_is_kept_in_one_form(text: str, domain: str) -> None:
    assert parse_domain(text) == domain


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "desks..example.org",
        ".example.org",
        "desks.example.org..",
        "*.desks.example.org",
        "desks_1.example.org",
        "-desks.example.org",
        "desks-.example.org",
        "desks.example.org:3389",
        "https://desks.example.org",
        "desks example.org",
        "büro.example.org",
        "10.203.0.1",
        "a" * 64 + ".org",
        ".".join(["a" * 60] * 4),
    ],
)
def test_what_is_no_domain_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a DNS name"):
        parse_domain(text)


def test_the_longest_domain_leaves_room_for_a_desktops_name() -> None:
    longest = ".".join(["a" * 58] * 4)
    assert len(longest) <= LONGEST_DOMAIN
    name = fqdn_of("desktop-0a1b2c3d", parse_domain(longest))
    assert name is not None
    assert len(name) <= 253


def test_without_a_domain_there_is_no_name() -> None:
    assert fqdn_of("desktop-0a1b2c3d", "") is None


def test_hosts_has_a_line_for_each_desktop_always_in_the_same_order() -> None:
    pairs = [("desktop-0000000b", "10.203.0.71"), ("desktop-0000000a", "10.203.0.70")]
    assert hosts_lines(pairs, "desks.example.org") == (
        "10.203.0.70 desktop-0000000a.desks.example.org\n"
        "10.203.0.71 desktop-0000000b.desks.example.org\n"
    )
    assert hosts_lines([], "desks.example.org") == ""
