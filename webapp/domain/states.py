"""A desktop's states: all code that decides or changes a state is in this file.

What follows from the clock (ending soon, idle, overdue) is computed from times, never a state.
"""

from datetime import datetime
from enum import StrEnum
from typing import Protocol


class State(StrEnum):
    """Where a desktop is in its life."""

    QUEUED = "queued"
    BUILDING = "building"
    WARM = "warm"
    ASSIGNING = "assigning"
    READY = "ready"
    PAUSING = "pausing"
    PAUSED = "paused"
    RESUMING = "resuming"
    FAILED = "failed"
    STOPPING = "stopping"
    ENDED = "ended"


class Event(StrEnum):
    """What can happen to a desktop."""

    BUILD_STARTED = "build started"
    BUILT = "built"
    BUILT_FOR_POOL = "built for pool"
    CLAIMED = "claimed"
    ASSIGNED = "assigned"
    PAUSE_REQUESTED = "pause requested"
    SHUT_DOWN = "shut down"
    RESUME_REQUESTED = "resume requested"
    RESUMED = "resumed"
    RESUME_GIVEN_UP = "resume given up"
    BROKE = "broke"
    STOP_REQUESTED = "stop requested"
    DESTROYED = "destroyed"


class EndReason(StrEnum):
    """Why a desktop ended."""

    ASKED = "asked"
    EXPIRED = "expired"
    IDLE = "idle"
    POLICY = "policy"
    ADMIN = "admin"
    LOST = "lost"
    FAILED = "failed"


TRANSITIONS: dict[State, dict[Event, State]] = {
    State.QUEUED: {
        Event.BUILD_STARTED: State.BUILDING,
        Event.STOP_REQUESTED: State.STOPPING,
    },
    State.BUILDING: {
        Event.BUILT: State.READY,
        Event.BUILT_FOR_POOL: State.WARM,
        Event.BROKE: State.FAILED,
        Event.STOP_REQUESTED: State.STOPPING,
    },
    State.WARM: {
        Event.CLAIMED: State.ASSIGNING,
        Event.BROKE: State.FAILED,
        Event.STOP_REQUESTED: State.STOPPING,
    },
    State.ASSIGNING: {
        Event.ASSIGNED: State.READY,
        Event.BROKE: State.FAILED,
        Event.STOP_REQUESTED: State.STOPPING,
    },
    State.READY: {
        Event.PAUSE_REQUESTED: State.PAUSING,
        Event.SHUT_DOWN: State.PAUSED,  # outside Winux
        Event.BROKE: State.FAILED,
        Event.STOP_REQUESTED: State.STOPPING,
    },
    State.PAUSING: {
        Event.SHUT_DOWN: State.PAUSED,
        Event.RESUME_REQUESTED: State.RESUMING,
        Event.BROKE: State.FAILED,
        Event.STOP_REQUESTED: State.STOPPING,
    },
    State.PAUSED: {
        Event.RESUME_REQUESTED: State.RESUMING,
        Event.BROKE: State.FAILED,
        Event.STOP_REQUESTED: State.STOPPING,
    },
    State.RESUMING: {
        Event.RESUMED: State.READY,
        Event.RESUME_GIVEN_UP: State.PAUSING,
        Event.BROKE: State.FAILED,
        Event.STOP_REQUESTED: State.STOPPING,
    },
    State.FAILED: {Event.STOP_REQUESTED: State.STOPPING},
    State.STOPPING: {Event.DESTROYED: State.ENDED},
    State.ENDED: {},
}

#: States that count against a person's limit and appear first on their pages.
LIVE = frozenset(
    {
        State.QUEUED,
        State.BUILDING,
        State.ASSIGNING,
        State.READY,
        State.PAUSING,
        State.PAUSED,
        State.RESUMING,
    }
)
#: States that count against a person's limit although the desktop is over: it still exists.
NOT_GONE_YET = frozenset({State.FAILED, State.STOPPING})
#: States in which a desktop's remaining time does not decrease.
AT_REST = frozenset({State.PAUSING, State.PAUSED, State.RESUMING})
#: States in which parts of the desktop may exist on a node.
HOLDS_RESOURCES = frozenset(State) - {State.ENDED}


class Stateful(Protocol):
    """What `advance` needs of a desktop: its state and the time it last changed."""

    state: State
    state_at: datetime


class ImpossibleTransition(RuntimeError):
    """The event is not allowed in the desktop's state: a defect in the caller, not a refusal."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"a desktop that is {state} cannot have the event {event!r}")
        self.state = state
        self.event = event


def can(state: State, event: Event) -> bool:
    """Whether `event` may happen to a desktop in `state`."""
    return event in TRANSITIONS[state]


def advance(desktop: Stateful, event: Event, at: datetime) -> None:
    """Applies `event` to `desktop` at the time `at`; the only code that writes `state`.

    Raises ImpossibleTransition and changes nothing if the table has no such transition.
    """
    if not can(desktop.state, event):
        raise ImpossibleTransition(desktop.state, event)
    desktop.state = TRANSITIONS[desktop.state][event]
    desktop.state_at = at


def diagram() -> str:
    """Returns the table as a Mermaid state diagram for ARCHITECTURE.md."""
    steps = [
        f"    {state} --> {after}: {event}"
        for state, events in TRANSITIONS.items()
        for event, after in events.items()
    ]
    return "\n".join(["stateDiagram-v2", "    [*] --> queued", *steps, "    ended --> [*]"])
