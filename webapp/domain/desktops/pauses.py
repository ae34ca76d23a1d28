"""Decisions about pausing a desktop and resuming it: pure functions of values and a time.

A paused desktop's container is shut down and kept: its files stay, its programs end, and its time
stands still until it is ready again.
"""

from datetime import datetime, timedelta

from webapp.domain.errors import Refused, TooMany
from webapp.domain.provisioning.clone_queue import PASSING
from webapp.domain.states import AT_REST, State

#: What a resume waits for when its node has no memory for it; a `failure_reason`.
NO_ROOM = "no_room"
#: It was given up; a `failure_reason`.
NOT_RESUMED = "not_resumed"
#: A resume that breaks so often, for a reason that does not pass by itself, is given up.
TRIES = 3
#: When a resume that was refused for lack of memory may come back.
COME_BACK = timedelta(minutes=5)


def may_pause(max_pause_minutes: int | None) -> bool:
    """Whether a template allows pausing at all."""
    return bool(max_pause_minutes)


def decide_pause(
    public_id: str,
    state: State,
    deadline_at: datetime | None,
    max_pause_minutes: int | None,
    now: datetime,
) -> datetime:
    """Until when a desktop that is paused `now` is kept; Refused when it cannot be paused."""
    if not max_pause_minutes:
        raise Refused(
            "no_pause",
            "Desktops of this template cannot be paused.",
            what_to_do="Extend it instead, or save your work elsewhere.",
        )
    if state != State.READY:
        raise Refused(
            "not_ready",
            f"{public_id} is {state}, so it cannot be paused.",
            what_to_do="Pause it while it runs.",
        )
    if deadline_at and deadline_at <= now:
        raise Refused("expired", "This desktop's time is up.", what_to_do="Launch a new one.")
    return now + timedelta(minutes=max_pause_minutes)


def decide_resume(
    public_id: str, state: State, paused_until: datetime | None, now: datetime
) -> None:
    """Refuse to resume what is not paused, or was paused for longer than it is kept."""
    if state not in AT_REST:
        raise Refused(
            "not_paused",
            f"{public_id} is {state}, so it cannot be resumed.",
            what_to_do="Look at its page: it may be ready, or gone.",
        )
    if paused_until and paused_until <= now:
        raise Refused(
            "expired",
            "This desktop was paused for longer than it is kept.",
            what_to_do="Launch a new one.",
        )


def decide_room_to_resume(left_mb: int | None, need_mb: int, refuses: bool) -> None:
    """Refuse a resume that its node has no memory for, if the site refuses instead of queueing.

    `left_mb` None: nobody can see the node's memory, so nothing is limited by it.
    """
    if not refuses or left_mb is None or left_mb >= need_mb:
        return
    minutes = COME_BACK // timedelta(minutes=1)
    raise TooMany(
        NO_ROOM,
        "The server that keeps this desktop has no memory for it right now.",
        retry_after=COME_BACK,
        what_to_do=f"It stays paused, and nothing in it is lost: try again in {minutes} min.",
    )


def is_given_up(tries: int, reason: str) -> bool:
    """Whether a resume that broke `tries` times, the last time for `reason`, is not tried again."""
    return reason not in PASSING and tries >= TRIES


def time_left(deadline_at: datetime, paused_at: datetime | None, now: datetime) -> timedelta:
    """How long a desktop still runs; while it is paused that does not change."""
    return deadline_at - (paused_at or now)
