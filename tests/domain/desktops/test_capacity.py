"""The memory that a desktop uses, and the answer to a launch when there is no room."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.refusals import refuses
from webapp.domain.desktops.capacity import Room, decide_room, is_news, measure_mb
from webapp.domain.errors import TooMany

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SOON = NOW + timedelta(minutes=12)


@given(st.lists(st.integers(1, 64_000), min_size=1))
def test_what_is_measured_is_what_one_of_them_takes_and_few_take_more(samples: list[int]) -> None:
    measured = measure_mb(samples)
    assert measured in samples
    assert sum(one > (measured or 0) for one in samples) <= max(1, len(samples) // 4)


def test_nothing_measured_is_not_zero() -> None:
    assert measure_mb([]) is None


def test_only_a_change_that_matters_is_written() -> None:
    assert is_news(300, None)
    assert not is_news(305, 300)
    assert is_news(400, 300)


@pytest.mark.parametrize("room", [Room(3, 2, SOON), Room(None, 9, SOON)])
def test_there_is_room_as_long_as_more_fit_than_wait(room: Room) -> None:
    decide_room(room, refuses=True, now=NOW)


def test_a_site_that_refuses_says_when_to_come_back() -> None:
    with refuses(TooMany, match="Try again in 12 min") as told:
        decide_room(Room(2, 2, SOON), refuses=True, now=NOW)
    assert told.value.retry_after == timedelta(minutes=12)


def test_a_site_that_waits_never_refuses() -> None:
    decide_room(Room(0, 5, None), refuses=False, now=NOW)
