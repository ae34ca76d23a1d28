"""The circuit breaker: when a template rests, for how long, and how it comes back."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.domain.breaker import (
    LONGEST_REST,
    REST,
    WINDOW,
    Record,
    decide_breaker,
    find_rest,
)
from webapp.domain.errors import TooMany

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def record(*minutes_ago: float, worked: float | None = None, trial: float | None = None) -> Record:
    return Record(
        failures=[NOW - ago * MINUTE for ago in minutes_ago],
        worked_at=None if worked is None else NOW - worked * MINUTE,
        trial_at=None if trial is None else NOW - trial * MINUTE,
    )


@pytest.mark.parametrize(
    "harmless",
    [
        record(),
        record(1, 2),
        record(1, 11.5, 12),  # more than ten minutes apart
        record(1, 2, 3, worked=0.5),  # it has worked since
        record(1, 2, 3, worked=2.5),  # it worked between: only two in a row
    ],
)
def test_a_few_failures_change_nothing(harmless: Record) -> None:
    assert find_rest(harmless, NOW) is None
    decide_breaker(harmless, "XFCE", NOW)


def test_three_in_a_row_stop_it_and_say_when_it_is_tried_again() -> None:
    with pytest.raises(TooMany, match=r"XFCE failed several times.*tried again in 4 min") as told:
        decide_breaker(record(1, 2, 3), "XFCE", NOW)
    assert told.value.retry_after == REST - MINUTE


def test_after_its_rest_one_launch_tries_it_and_others_wait_for_that() -> None:
    rested = record(6, 7, 8)
    assert find_rest(rested, NOW) is None
    with pytest.raises(TooMany, match="being tried again right now"):
        decide_breaker(record(6, 7, 8, trial=0.1), "XFCE", NOW)


def test_a_trial_that_fails_doubles_the_rest_and_one_that_works_ends_it() -> None:
    failed = find_rest(record(1, 20, 21, 22), NOW)
    assert failed
    assert failed.until - failed.since == 2 * REST
    assert find_rest(record(1, 20, 21, 22, worked=0), NOW) is None


moments = st.lists(st.integers(0, 7200), max_size=12)


@given(moments, st.none() | st.integers(0, 7200))
def test_it_always_comes_back(seconds_ago: list[int], worked: int | None) -> None:
    known = Record(
        [NOW - timedelta(seconds=ago) for ago in seconds_ago],
        None if worked is None else NOW - timedelta(seconds=worked),
        None,
    )
    rest = find_rest(known, NOW)
    if rest:
        assert rest.until > NOW
        assert rest.until - rest.since <= LONGEST_REST
        assert find_rest(known, rest.until) is None


@given(moments)
def test_it_never_rests_without_three_failures_close_together(seconds_ago: list[int]) -> None:
    times = sorted(NOW - timedelta(seconds=ago) for ago in seconds_ago)
    close = any(third - first <= WINDOW for first, third in zip(times, times[2:], strict=False))
    if find_rest(Record(times, None, None), NOW):
        assert close
