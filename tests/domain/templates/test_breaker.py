"""The circuit breaker: when a template rests, for how long, and how the rest ends."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.refusals import refuses
from webapp.domain.errors import TooMany
from webapp.domain.templates.breaker import (
    COOL_DOWN,
    LONGEST_COOL_DOWN,
    WINDOW,
    Failure,
    Record,
    decide_breaker,
    find_cool_down,
    find_own_cool_down,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ALICE, BOB, CAROL = 1, 2, 3


def record(*minutes_ago: float, worked: float | None = None, trial: float | None = None) -> Record:
    return Record(
        failures=[Failure(NOW - ago * MINUTE, None) for ago in minutes_ago],
        worked_at=None if worked is None else NOW - worked * MINUTE,
        trial_at=None if trial is None else NOW - trial * MINUTE,
    )


@pytest.mark.parametrize(
    "harmless",
    [
        record(),
        record(1, 2),
        record(1, 11.5, 12),  # more than ten minutes apart
        record(1, 2, 3, worked=0.5),  # a build has succeeded since
        record(1, 2, 3, worked=2.5),  # a success in between: only two in a row
    ],
)
def test_a_few_failures_change_nothing(harmless: Record) -> None:
    assert find_cool_down(harmless, NOW) is None
    decide_breaker(harmless, "XFCE", NOW, ALICE)


def test_three_in_a_row_stop_it_and_say_when_it_is_tried_again() -> None:
    with refuses(TooMany, match=r"XFCE failed several times.*tried again in 4 min") as told:
        decide_breaker(record(1, 2, 3), "XFCE", NOW, ALICE)
    assert told.value.retry_after == COOL_DOWN - MINUTE


def test_after_its_rest_one_launch_tries_it_and_others_wait_for_that() -> None:
    rested = record(6, 7, 8)
    assert find_cool_down(rested, NOW) is None
    with refuses(TooMany, match="being tried again right now"):
        decide_breaker(record(6, 7, 8, trial=0.1), "XFCE", NOW, ALICE)


def test_a_trial_that_fails_doubles_the_rest_and_one_that_works_ends_it() -> None:
    failed = find_cool_down(record(1, 20, 21, 22), NOW)
    assert failed
    assert failed.until - failed.since == 2 * COOL_DOWN
    assert find_cool_down(record(1, 20, 21, 22, worked=0), NOW) is None


moments = st.lists(st.integers(0, 7200), max_size=12)


@given(moments, st.none() | st.integers(0, 7200))
def test_it_always_comes_back(seconds_ago: list[int], worked: int | None) -> None:
    known = Record(
        [Failure(NOW - timedelta(seconds=ago), None) for ago in seconds_ago],
        None if worked is None else NOW - timedelta(seconds=worked),
        None,
    )
    rest = find_cool_down(known, NOW)
    if rest:
        assert rest.until > NOW
        assert rest.until - rest.since <= LONGEST_COOL_DOWN
        assert find_cool_down(known, rest.until) is None


@given(moments)
def test_it_never_rests_without_three_failures_close_together(seconds_ago: list[int]) -> None:
    times = sorted(NOW - timedelta(seconds=ago) for ago in seconds_ago)
    close = any(third - first <= WINDOW for first, third in zip(times, times[2:], strict=False))
    if find_cool_down(Record([Failure(at, None) for at in times], None, None), NOW):
        assert close


def of_people(*failures: tuple[float, int | None]) -> Record:
    """Failures this many minutes ago, each with its person."""
    return Record([Failure(NOW - ago * MINUTE, who) for ago, who in failures], None, None)


def test_one_person_alone_makes_it_rest_for_themselves_only() -> None:
    known = of_people(*((minutes / 2, ALICE) for minutes in range(1, 10)))
    assert find_cool_down(known, NOW) is None
    decide_breaker(known, "XFCE", NOW, BOB)
    with refuses(TooMany, match="XFCE failed for you several times") as told:
        decide_breaker(known, "XFCE", NOW, ALICE)
    assert told.value.reason == "resting"


def test_one_person_and_one_mishap_of_another_are_too_few() -> None:
    known = of_people((1, ALICE), (2, ALICE), (3, ALICE), (4, BOB))
    decide_breaker(known, "XFCE", NOW, CAROL)


@pytest.mark.parametrize("failed_for", [(ALICE, BOB, CAROL), (ALICE, BOB, None), (None,) * 3])
def test_different_people_and_pools_make_it_rest_for_everybody(
    failed_for: tuple[int | None, ...],
) -> None:
    known = of_people(*((ago, who) for ago, who in enumerate(failed_for, start=1)))
    with refuses(TooMany, match="failed several times in a row and rests"):
        decide_breaker(known, "XFCE", NOW, 4)


def test_a_person_whose_own_rest_is_over_waits_for_no_trial_of_others() -> None:
    known = of_people((6, ALICE), (7, ALICE), (8, ALICE))
    busy = Record(known.failures, None, trial_at=NOW)
    assert find_own_cool_down(busy, NOW, ALICE) is None
    decide_breaker(busy, "XFCE", NOW, ALICE)


def test_failures_of_one_person_before_others_fail_lengthen_no_rest() -> None:
    many = ((3 + number / 10, ALICE) for number in range(20))
    rest = find_cool_down(of_people((1, CAROL), (2, BOB), *many), NOW)
    assert rest
    assert rest.until - rest.since == COOL_DOWN
