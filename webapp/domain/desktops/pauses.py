"""Decisions about pausing a desktop and resuming it: pure functions of values and a time.

A paused desktop's container is shut down and kept: its files stay, its programs end, and its
remaining time does not decrease until it is ready again.
"""

from datetime import datetime, timedelta

from webapp.domain.errors import Refused, TooMany
from webapp.domain.provisioning.clone_queue import PASSING
from webapp.domain.states import AT_REST, State

#: A `failure_reason`: the resume waits because its node has no memory for it.
NO_ROOM = "no_room"
#: A `failure_reason`: the resume was given up.
NOT_RESUMED = "not_resumed"
#: A resume is given up after this many failures whose reason does not pass by itself.
TRIES = 3
#: The retry time after a resume that was refused for lack of memory.
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
    """Returns until when a desktop paused `now` is kept; raises Refused if it cannot be paused."""
    if not max_pause_minutes:
        raise Refused("no_pause")
    if state != State.READY:
        raise Refused("not_ready.pause", desktop=public_id, state=state)
    if deadline_at and deadline_at <= now:
        raise Refused("expired.time")
    return now + timedelta(minutes=max_pause_minutes)


def decide_resume(
    public_id: str, state: State, paused_until: datetime | None, now: datetime
) -> None:
    """Raises Refused for a desktop that is not paused, or whose paused time is over."""
    if state not in AT_REST:
        raise Refused("not_paused", desktop=public_id, state=state)
    if paused_until and paused_until <= now:
        raise Refused("expired.pause")


def decide_room_to_resume(left_mb: int | None, need_mb: int, refuses: bool) -> None:
    """Refuses a resume without memory on its node, if the site refuses instead of queueing.

    With `left_mb` None the node's memory cannot be read, so it limits nothing.
    """
    if not refuses or left_mb is None or left_mb >= need_mb:
        return
    raise TooMany("no_room.resume", retry_after=COME_BACK)


def is_given_up(tries: int, reason: str) -> bool:
    """Whether a resume is given up after `tries` failures, the last one for `reason`."""
    return reason not in PASSING and tries >= TRIES


def time_left(deadline_at: datetime, paused_at: datetime | None, now: datetime) -> timedelta:
    """Returns a desktop's remaining time; it does not change while the desktop is paused."""
    return deadline_at - (paused_at or now)
