"""Every notation of an address by proxies and sockets is converted to the same form."""

import pytest

from webapp.domain.sources import canonical_address, source_address


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("203.0.113.77", "203.0.113.77"),
        (" 203.0.113.77 ", "203.0.113.77"),
        ("203.0.113.77:40001", "203.0.113.77"),
        ("::ffff:203.0.113.77", "203.0.113.77"),
        ("::FFFF:cb00:714d", "203.0.113.77"),
        ("[::ffff:203.0.113.77]:40001", "203.0.113.77"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ('"[2001:db8::1]:443"', "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:1", "fe80::1"),
        ("unknown", ""),
        ("", ""),
        ("1.2.3.4.5", ""),
        ("203.0.113.077", ""),
        ("<script>", ""),
        ("1" * 10_000, ""),
    ],
)
def test_one_address_has_one_form(written: str, canonical: str) -> None:
    assert canonical_address(written) == canonical


@pytest.mark.parametrize(
    ("forwarded", "trusted", "source"),
    [
        ([], 1, "127.0.0.1"),
        (["6.6.6.6"], 0, "127.0.0.1"),
        (["6.6.6.6, ::ffff:203.0.113.77"], 1, "203.0.113.77"),
        (["6.6.6.6", "203.0.113.77:1, 10.0.0.1"], 2, "203.0.113.77"),
        (["203.0.113.77"], 2, "127.0.0.1"),
        (["6.6.6.6, unknown"], 1, "127.0.0.1"),
    ],
)
def test_only_what_trusted_proxies_say_counts(
    forwarded: list[str], trusted: int, source: str
) -> None:
    assert source_address("::ffff:127.0.0.1", ",".join(forwarded), trusted) == source
