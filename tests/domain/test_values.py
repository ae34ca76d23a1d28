"""Marks, addresses, names, passwords, `.rdp` files and estimates."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network

import pytest

from tests.refusals import refuses
from webapp.domain.connections.rdp_file import RdpTarget, rdp_file
from webapp.domain.desktops.estimate import estimate, progress
from webapp.domain.errors import BadInput, Refused, TooMany
from webapp.domain.nodes.addresses import AddressPool, choose_address, choose_vmid
from webapp.domain.nodes.mark import Mark, parse_mark
from webapp.domain.people.passwords import hash_token, make_password, parse_name, parse_password
from webapp.domain.people.sign_in_limits import Failures, decide_sign_in

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
POOL = AddressPool(
    IPv4Network("10.203.0.0/24"),
    IPv4Address("10.203.0.64"),
    IPv4Address("10.203.0.66"),
    IPv4Address("10.203.0.1"),
)


def test_a_mark_survives_its_way_through_a_description() -> None:
    mark = Mark("acme-1", "desktop-0123abcd")
    assert parse_mark(f"{mark}\n") == mark
    assert parse_mark(f"made by winux\n{mark}\nnotes") == mark
    assert parse_mark(f"{mark} \r\n{mark}\n") == mark


@pytest.mark.parametrize(
    "description",
    [
        None,
        "",
        "winux",
        "my notes on winux: portal=a desktop=desktop-1",
        "winux: portal=a b desktop=c",
        "winux: portal=a desktop=b\nwinux: portal=c desktop=b",
        "winux: portal=a desktop=b\nsomebody's\nwinux: portal=a desktop=d",
        "winux: portal=a desktop=b\nwinux: portal=ü desktop=b",
    ],
)
def test_what_carries_no_mark_of_ours_is_foreign(description: str | None) -> None:
    assert parse_mark(description) is None


def test_the_lowest_free_address_and_id_are_chosen_and_none_left_is_said() -> None:
    assert choose_address(POOL, {"10.203.0.64"}) == "10.203.0.65"
    assert choose_vmid(30001, 30003, {30001, 30002}) == 30003
    with refuses(Refused, match=r"All addresses \(10.203.0.64–10.203.0.66\)"):
        choose_address(POOL, {str(address) for address in POOL})
    with refuses(Refused, match=r"All 2 VM ids \(30001–30002\)"):
        choose_vmid(30001, 30002, {30001, 30002})


def test_what_has_been_free_for_longest_is_chosen() -> None:
    """Routers keep the mapping of an address to its network card for minutes."""
    first, second, third = (str(address) for address in POOL)
    assert choose_address(POOL, set(), [first]) == second
    assert choose_address(POOL, set(), [third, first, second]) == second
    assert choose_address(POOL, {second}, [third, first, second, third]) == first
    assert choose_address(POOL, set(), [None, first, "192.0.2.1"]) == second
    assert choose_vmid(30001, 30002, set(), [30001, 30002, 30001]) == 30002


def test_passwords_are_long_and_never_the_same() -> None:
    made = {make_password() for _ in range(200)}
    assert len(made) == 200
    assert all(len(one) == 20 and one.isalnum() for one in made)


@pytest.mark.parametrize("name", ["", " ", "a b", "é", "-a", "x" * 65, "a\nb", "<b>"])
def test_names_that_cannot_be_used_are_refused(name: str) -> None:
    with pytest.raises(BadInput):
        parse_name(name)


def test_a_password_counts_in_one_unicode_form() -> None:
    assert parse_password("e\u0301" * 10) == parse_password("\u00e9" * 10)


@pytest.mark.parametrize("password", ["short", "x" * 257, "nul in\0side it"])
def test_passwords_that_cannot_be_used_are_refused(password: str) -> None:
    with pytest.raises(BadInput):
        parse_password(password)


def test_a_token_is_stored_as_its_hash_only() -> None:
    assert "secret" not in hash_token("secret")
    assert len(hash_token("secret")) == 64


def test_an_rdp_file_has_address_and_user_but_no_password() -> None:
    text = rdp_file(RdpTarget("10.203.0.70", 3389, "anna", "desktop-0123abcd"))
    assert "full address:s:10.203.0.70:3389\r\n" in text
    assert "username:s:anna\r\n" in text
    assert "password" not in text.replace("prompt for credentials", "")


def test_an_rdp_value_cannot_bring_a_line_of_its_own() -> None:
    with pytest.raises(ValueError, match="control character"):
        rdp_file(RdpTarget("10.203.0.70", 3389, "a\r\nalternate shell:s:evil", "d"))


def test_the_estimate_is_the_median_and_none_without_measurements() -> None:
    assert estimate([]) is None
    assert estimate([timedelta(seconds=s) for s in (5, 60, 6)]) == timedelta(seconds=6)


def test_progress_grows_and_is_never_complete_before_the_end() -> None:
    usual = timedelta(seconds=10)
    seen = [progress(timedelta(seconds=s), usual, min(s // 2, 5)) for s in range(60)]
    assert seen == sorted(seen)
    assert seen[0] == 0
    assert max(seen) < 1


def _failures(here: int = 0, source: int = 0, account: int = 0, *, known: bool = False) -> Failures:
    def times(count: int) -> list[datetime]:
        return [NOW - timedelta(minutes=10)] * count

    return Failures(times(here), times(source), times(account), known)


@pytest.mark.parametrize(
    "failures", [_failures(here=5), _failures(source=30), _failures(account=50)]
)
def test_too_many_failures_have_to_wait_and_are_told_how_long(failures: Failures) -> None:
    with refuses(TooMany, match="Try again in") as refused:
        decide_sign_in(failures, NOW)
    assert refused.value.retry_after == timedelta(minutes=5)


@pytest.mark.parametrize(
    "failures", [_failures(here=4), _failures(source=29), _failures(account=500, known=True)]
)
def test_a_stranger_cannot_lock_a_person_out_of_a_known_address(failures: Failures) -> None:
    decide_sign_in(failures, NOW)
