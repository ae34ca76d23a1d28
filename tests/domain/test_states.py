"""The state table: every transition in it, no others, and none from the end."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.domain.states import (
    HOLDS_RESOURCES,
    LIVE,
    TRANSITIONS,
    Event,
    ImpossibleTransition,
    State,
    advance,
    can,
    diagram,
)

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Walker:
    state: State = State.QUEUED
    state_at: datetime = START


@given(st.lists(st.sampled_from(list(Event)), max_size=40))
def test_any_walk_keeps_to_the_table(events: list[Event]) -> None:
    walker = Walker()
    for number, event in enumerate(events):
        before, at = walker.state, START + timedelta(seconds=number + 1)
        if can(before, event):
            advance(walker, event, at)
            assert (walker.state, walker.state_at) == (TRANSITIONS[before][event], at)
        else:
            stood_since = walker.state_at
            with pytest.raises(ImpossibleTransition, match=rf"is {before} .*{event.value}"):
                advance(walker, event, at)
            assert (walker.state, walker.state_at) == (before, stood_since)


def test_every_state_but_ended_can_be_stopped_or_is_stopping() -> None:
    unstoppable = {state for state in State if not can(state, Event.STOP_REQUESTED)}
    assert unstoppable == {State.STOPPING, State.ENDED}


def test_every_state_leads_to_the_end_and_nothing_leads_out_of_it() -> None:
    reaches_end = {State.ENDED}
    while True:
        more = {s for s, steps in TRANSITIONS.items() if reaches_end & set(steps.values())}
        if more <= reaches_end:
            break
        reaches_end |= more
    assert reaches_end == set(State)
    assert TRANSITIONS[State.ENDED] == {}


def test_every_state_can_be_reached() -> None:
    reached = {State.QUEUED}
    while more := {s for one in reached for s in TRANSITIONS[one].values()} - reached:
        reached |= more
    # A warm desktop is reached by BUILT_FOR_POOL, so the table has no dead rows.
    assert reached == set(State)


def test_what_counts_against_a_limit_also_holds_resources() -> None:
    assert LIVE < HOLDS_RESOURCES


def test_the_diagram_shows_each_step_once() -> None:
    lines = diagram().splitlines()
    assert sum(" --> " in line and ": " in line for line in lines) == sum(
        len(steps) for steps in TRANSITIONS.values()
    )
