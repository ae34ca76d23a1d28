"""How long a locked build waits, and which failures are retried."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from webapp.domain.provisioning.clone_queue import (
    LOCKED,
    LONGEST_PAUSE,
    REFUSED,
    UNREACHABLE,
    decide_retry,
    pause_before,
)

LIMIT = timedelta(minutes=5)


@given(st.integers(1, 1000), st.floats(0, 1))
def test_pauses_grow_and_stay_within_bounds(attempt: int, chance: float) -> None:
    pause = pause_before(attempt, chance)
    assert timedelta(seconds=0.5) <= pause <= 1.5 * LONGEST_PAUSE
    assert pause_before(attempt + 1, chance) >= pause


def test_two_builds_that_met_the_same_lock_do_not_meet_again() -> None:
    assert pause_before(3, 0.1) != pause_before(3, 0.9)


def test_what_passes_by_itself_is_tried_again_until_the_build_takes_too_long() -> None:
    for reason in (LOCKED, UNREACHABLE):
        assert decide_retry(reason, timedelta(seconds=20), LIMIT)
        assert not decide_retry(reason, LIMIT, LIMIT)


def test_what_does_not_pass_is_not_tried_again() -> None:
    for reason in ("", REFUSED):
        assert not decide_retry(reason, timedelta(0), LIMIT)
