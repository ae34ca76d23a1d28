"""The events for a program that follows a desktop: what changed between two looks at it.

The server keeps no state per listener: the id of an event is a `Mark`, which holds everything that
the program has received, so any gateway can continue a stream that another gateway began.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from webapp.domain.states import EndReason, State

_MARK = re.compile(r"([\w.-]{1,32}):([a-z]{1,16}):([0-9]{1,15}):([0-9]{1,12}):([0-9]{1,12})(\+?)")


@dataclass(frozen=True)
class StepSnapshot:
    """One step of a build or an assignment; steps that begin later have higher ids."""

    id: int
    name: str
    title: str
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class DesktopSnapshot:
    """The part of a desktop that a listener may see; it holds no secret."""

    public_id: str
    template: str
    state: State
    state_at: datetime
    deadline_at: datetime | None
    end_reason: EndReason | None
    steps: tuple[StepSnapshot, ...] = ()
    step_count: int = 0
    """The total number of steps."""

    @property
    def mark(self) -> "Mark":
        """The mark of a listener that has received everything in this sight."""
        last = self.steps[-1] if self.steps else None
        return Mark(
            public_id=self.public_id,
            state=self.state,
            state_ms=_milliseconds(self.state_at),
            deadline_s=int(self.deadline_at.timestamp()) if self.deadline_at else 0,
            step_id=last.id if last else 0,
            is_step_done=last is not None and last.finished_at is not None,
        )


@dataclass(frozen=True)
class Mark:
    """What a listener has received about a desktop."""

    public_id: str
    state: State
    state_ms: int
    deadline_s: int
    step_id: int
    is_step_done: bool

    def __str__(self) -> str:
        done = "+" if self.is_step_done else ""
        numbers = f"{self.state_ms}:{self.deadline_s}:{self.step_id}"
        return f"{self.public_id}:{self.state}:{numbers}{done}"


@dataclass(frozen=True)
class DesktopEvent:
    """One event; `mark` is the listener's mark after it."""

    name: str
    data: dict[str, object]
    mark: Mark


def parse_mark(text: str) -> Mark | None:
    """Parses the mark in a `Last-Event-ID`; returns None for anything else."""
    found = _MARK.fullmatch(text)
    if found is None or found[2] not in set(State):
        return None
    public_id, state, state_ms, deadline_s, step_id, done = found.groups()
    return Mark(public_id, State(state), int(state_ms), int(deadline_s), int(step_id), done == "+")


def present(sight: DesktopSnapshot) -> list[DesktopEvent]:
    """Returns the events for a new listener: the whole state, and the end if it has ended."""
    whole = _desktop_data(sight) | {
        "template": sight.template,
        "step_count": sight.step_count,
        "steps": [_step(step) for step in sight.steps],
    }
    events = [DesktopEvent("session", whole, sight.mark)]
    if sight.state is State.ENDED:
        events.append(DesktopEvent("end", _desktop_data(sight), sight.mark))
    return events


def changes(known: Mark, sight: DesktopSnapshot) -> list[DesktopEvent]:
    """Returns the events for a listener with the mark `known`; empty if nothing changed."""
    states, steps = _states(known, sight), _steps(known, sight)
    works = sight.state in (State.BUILDING, State.ASSIGNING)
    events = []
    for one in [*states, *steps] if works else [*steps, *states]:
        known = replace(known, **one.told)
        events.append(DesktopEvent(one.name, one.data, known))
    return events


@dataclass(frozen=True)
class _News:
    """An event to send, and the fields of the mark that it updates."""

    name: str
    data: dict[str, object]
    told: dict[str, Any]


def _states(known: Mark, sight: DesktopSnapshot) -> list[_News]:
    """Returns a state change, or a deadline change; a state event includes the deadline."""
    now = sight.mark
    told = {"state": now.state, "state_ms": now.state_ms, "deadline_s": now.deadline_s}
    if (known.state, known.state_ms) != (now.state, now.state_ms):
        name = "end" if sight.state is State.ENDED else "state"
    elif known.deadline_s != now.deadline_s:
        name = "deadline"
    else:
        return []
    return [_News(name, _desktop_data(sight), told)]


def _steps(known: Mark, sight: DesktopSnapshot) -> list[_News]:
    """Returns the steps that the listener has not received, or whose end it has not received."""
    news = []
    for step in sight.steps:
        is_done = step.finished_at is not None
        if (step.id, is_done) <= (known.step_id, known.is_step_done):
            continue
        data = {"session_sub": sight.public_id, **_step(step), "step_count": sight.step_count}
        news.append(_News("step", data, {"step_id": step.id, "is_step_done": is_done}))
    return news


def _desktop_data(sight: DesktopSnapshot) -> dict[str, object]:
    return {
        "session_sub": sight.public_id,
        "status": sight.state.value,
        "status_since": _time(sight.state_at),
        "expires_at": _time(sight.deadline_at),
        "end_reason": sight.end_reason.value if sight.end_reason else None,
    }


def _step(step: StepSnapshot) -> dict[str, object]:
    return {
        "step": step.name,
        "title": step.title,
        "step_status": "running" if step.finished_at is None else "done",
        "started_at": _time(step.started_at),
        "finished_at": _time(step.finished_at),
    }


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None
