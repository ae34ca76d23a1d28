"""The allowed values of a launch and an extension."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.refusals import refuses
from webapp.domain.desktops.account_names import RESERVED_NAMES
from webapp.domain.desktops.limits import (
    Durations,
    decide_extension,
    decide_keyboard,
    decide_minutes,
    decide_username,
)
from webapp.domain.errors import BadInput, Refused

DURATIONS = Durations(default_minutes=30, max_minutes=240)
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_without_a_wish_the_template_decides_the_minutes() -> None:
    assert decide_minutes(None, DURATIONS) == 30


@pytest.mark.parametrize("wanted", [0, -5, 241, 10**12])
def test_minutes_out_of_range_are_refused_with_the_range(wanted: int) -> None:
    with refuses(BadInput, match="1 to 240 minutes") as refused:
        decide_minutes(wanted, DURATIONS)
    assert refused.value.field == "minutes"


@pytest.mark.parametrize("name", ["anna", "a", "anna-maria_2", "x" * 31])
def test_plain_names_are_taken(name: str) -> None:
    assert decide_username(f" {name} ") == name


@pytest.mark.parametrize(
    "name", ["Anna", "1anna", "a b", "a;rm", "a\nb", "é", "x" * 32, "../a", "-a", "a'"]
)
def test_names_that_are_no_posix_names_are_refused(name: str) -> None:
    with refuses(BadInput, match="RDP user name"):
        decide_username(name)


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES | {"systemd-oom", "winux-helper"}))
def test_accounts_of_the_system_are_refused(name: str) -> None:
    with pytest.raises(BadInput):
        decide_username(name)


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_nothing_chosen_means_the_defaults(empty: str | None) -> None:
    assert decide_username(empty) == "desktop"
    assert decide_keyboard(empty) == "us"


def test_an_unknown_keyboard_is_refused() -> None:
    with refuses(BadInput, match="keyboard layout 'xx'"):
        decide_keyboard("xx")


@given(minutes=st.integers(1, 240), left=st.integers(1, 200), age=st.integers(0, 239))
def test_an_extension_never_outlives_the_template_and_never_shortens(
    minutes: int, left: int, age: int
) -> None:
    ready_at = NINE - timedelta(minutes=age)
    deadline = min(NINE + timedelta(minutes=left), ready_at + timedelta(minutes=240))
    latest = ready_at + timedelta(minutes=240)
    if deadline == latest:
        with refuses(Refused, match="already has the longest time"):
            decide_extension(deadline, ready_at, minutes, DURATIONS, NINE)
        return
    extended = decide_extension(deadline, ready_at, minutes, DURATIONS, NINE)
    assert deadline < extended <= latest


def test_a_desktop_whose_time_is_up_is_not_extended() -> None:
    with refuses(Refused, match="time is up"):
        decide_extension(NINE, NINE - timedelta(minutes=30), 10, DURATIONS, NINE)
