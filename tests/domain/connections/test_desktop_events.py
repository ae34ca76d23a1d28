"""The events that listeners receive; a resumed stream misses and repeats nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from webapp.domain.connections.desktop_events import (
    DesktopSnapshot,
    StepSnapshot,
    changes,
    parse_mark,
    present,
)
from webapp.domain.states import EndReason, State

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def step(number: int, finished: float | None = None) -> StepSnapshot:
    done = at(finished) if finished is not None else None
    return StepSnapshot(number, f"step_{number}", f"Step {number}", at(number), done)


def sight(state: State = State.QUEUED, since: float = 0, **parts: object) -> DesktopSnapshot:
    whole = DesktopSnapshot("desktop-a1b2c3d4", "xfce", state, at(since), None, None, (), 2)
    return replace(whole, **parts)


READY = sight(State.READY, 3, deadline_at=at(1800), steps=(step(1, 2), step(2, 3)))
LIFE = [
    sight(),
    sight(State.BUILDING, 1),
    sight(State.BUILDING, 1, steps=(step(1),)),
    sight(State.BUILDING, 1, steps=(step(1, 2), step(2))),
    READY,
    replace(READY, deadline_at=at(3600)),
    replace(READY, state=State.STOPPING, state_at=at(60), end_reason=EndReason.ASKED),
    replace(READY, state=State.ENDED, state_at=at(61), end_reason=EndReason.ASKED),
]


def told(seen: list[DesktopSnapshot]) -> list[tuple[str, object]]:
    """Return the events for a listener that is served at these moments."""
    heard = [(one.name, one.data) for one in present(seen[0])]
    for before, after in pairwise(seen):
        heard += [(one.name, one.data) for one in changes(before.mark, after)]
    return heard


def test_a_whole_life_is_told_in_its_order() -> None:
    heard = told(LIFE)
    assert [name for name, _ in heard] == [
        "session", "state", "step", "step", "step", "step", "state", "deadline", "state", "end",
    ]  # fmt: skip
    assert [data["step_status"] for name, data in heard if name == "step"] == [
        "running", "done", "running", "done",
    ]  # fmt: skip
    assert heard[-1][1]["end_reason"] == "asked"
    assert heard[6][1]["expires_at"] == "2026-03-02T09:30:00Z"


def test_an_ended_desktop_is_told_at_once_and_then_ended() -> None:
    assert [one.name for one in present(LIFE[-1])] == ["session", "end"]


def test_a_new_build_of_the_same_desktop_is_told_again() -> None:
    again = sight(State.BUILDING, 20, steps=(step(3),))
    names = [(one.name, one.data.get("step")) for one in changes(LIFE[3].mark, again)]
    assert names == [("state", None), ("step", "step_3")]


@given(st.sets(st.integers(0, len(LIFE) - 1)))
def test_however_seldom_one_looks_each_end_of_a_step_and_the_end_are_told_once(
    moments: set[int],
) -> None:
    heard = told([LIFE[0], *(LIFE[one] for one in sorted(moments)), LIFE[-1]])
    done = [data["step"] for name, data in heard if name == "step" and data["finished_at"]]
    assert done == ["step_1", "step_2"]
    assert [name for name, _ in heard].count("end") == 1


def test_each_event_is_a_place_to_go_on_from() -> None:
    """Interrupted after any event and resumed with its id, the stream sends the rest once."""
    events = changes(LIFE[0].mark, READY)
    for number, event in enumerate(events):
        mark = parse_mark(str(event.mark))
        assert mark == event.mark
        assert changes(mark, READY) == events[number + 1 :]


@given(st.text() | st.from_regex(r"[a-z-]{0,9}:[a-z]*:\d*:\d*:\d*\+?"))
def test_what_is_no_mark_is_none(text: str) -> None:
    mark = parse_mark(text)
    assert mark is None or parse_mark(str(mark)) == mark
