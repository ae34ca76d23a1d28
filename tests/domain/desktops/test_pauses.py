"""What may be paused and resumed, how long it is kept, and the effect on connections."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.refusals import refuses
from webapp.domain.connections.rules import ConnectionEnd, Ending, desktop_ending
from webapp.domain.desktops.pauses import (
    TRIES,
    decide_pause,
    decide_resume,
    decide_room_to_resume,
    is_given_up,
    may_pause,
    time_left,
)
from webapp.domain.errors import Refused, TooMany
from webapp.domain.provisioning.clone_queue import LOCKED, UNREACHABLE
from webapp.domain.states import AT_REST, State
from webapp.texts.sentences import what_to_do

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_ready_desktop_is_kept_for_as_long_as_its_template_says() -> None:
    assert decide_pause("desktop-1", State.READY, NOW + HOUR, 90, NOW) == NOW + 1.5 * HOUR


@pytest.mark.parametrize("minutes", [None, 0])
def test_a_template_without_a_number_allows_no_pause(minutes: int | None) -> None:
    assert not may_pause(minutes)
    with pytest.raises(Refused) as refused:
        decide_pause("desktop-1", State.READY, NOW + HOUR, minutes, NOW)
    assert refused.value.reason == "no_pause"


@pytest.mark.parametrize("state", sorted(set(State) - {State.READY}))
def test_only_what_is_ready_can_be_paused(state: State) -> None:
    with refuses(Refused, match=f"is {state}"):
        decide_pause("desktop-1", state, NOW + HOUR, 90, NOW)


def test_what_is_overdue_is_not_saved_by_a_pause() -> None:
    with refuses(Refused, match="time is up"):
        decide_pause("desktop-1", State.READY, NOW, 90, NOW)


@pytest.mark.parametrize("state", sorted(set(State) - AT_REST))
def test_only_what_is_paused_can_be_resumed(state: State) -> None:
    with refuses(Refused, match=f"is {state}"):
        decide_resume("desktop-1", state, NOW + HOUR, NOW)


def test_what_was_paused_for_too_long_cannot_be_resumed() -> None:
    decide_resume("desktop-1", State.PAUSED, NOW + HOUR, NOW)
    with pytest.raises(Refused) as refused:
        decide_resume("desktop-1", State.PAUSED, NOW, NOW)
    assert refused.value.reason == "expired"


@pytest.mark.parametrize(
    ("left_mb", "is_full_refused", "is_refused"),
    [(512, True, True), (512, False, False), (1024, True, False), (None, True, False)],
)
def test_a_node_without_memory_refuses_only_where_the_site_wants_it(
    left_mb: int | None, is_full_refused: bool, is_refused: bool
) -> None:
    if not is_refused:
        decide_room_to_resume(left_mb, 1024, is_full_refused)
        return
    with refuses(TooMany, match="no memory") as refused:
        decide_room_to_resume(left_mb, 1024, is_full_refused)
    assert "nothing in it is lost" in what_to_do(refused.value)


def test_trouble_that_passes_is_waited_for_and_other_trouble_is_not() -> None:
    assert not any(is_given_up(tries, "") for tries in range(TRIES))
    assert is_given_up(TRIES, "")
    assert not is_given_up(1000, LOCKED)
    assert not is_given_up(1000, UNREACHABLE)


def test_time_stands_still_from_the_pause_on() -> None:
    assert time_left(NOW + HOUR, None, NOW) == HOUR
    assert time_left(NOW + HOUR, NOW, NOW + 24 * HOUR) == HOUR


@pytest.mark.parametrize("state", sorted(AT_REST))
def test_connections_end_because_it_is_paused(state: State) -> None:
    assert desktop_ending(state, None, NOW - HOUR, NOW) == Ending(ConnectionEnd.PAUSED)
