"""How many desktops a person may have, and the alternatives when the limit is reached.

An alternative is a word that page, API and command line share: `reuse_existing` (use the running
desktop of this template), `close_oldest` and `close_session:<id>` (stop that one, then launch).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from webapp.domain.errors import BadInput, Refused

REUSE = "reuse_existing"
CLOSE_OLDEST = "close_oldest"
CLOSE_ONE = "close_session:"


@dataclass(frozen=True)
class RunningDesktop:
    """A live desktop, as limits count it and refusals list it."""

    public_id: str
    template: str
    template_title: str
    launched_at: datetime
    ends_at: datetime | None = None
    """Its deadline; None until it is ready."""


class LimitReached(Refused):
    """The person has reached a limit; `running` are the desktops that count, oldest first.

    Another `stopping` desktops count until they are gone. `template` is the name of the template of
    the refused launch. The reason is `limit` (the person's) or
    `template_limit` (the template's).
    """

    def __init__(
        self,
        reason: str,
        message: str,
        running: Sequence[RunningDesktop],
        limit: int,
        template: str | None,
        *,
        stopping: int,
        what_to_do: str,
    ) -> None:
        super().__init__(reason, message, what_to_do=what_to_do)
        self.running = tuple(running)
        self.stopping = stopping
        self.limit = limit
        self.template = template
        self.suggested_actions = _ways_out(running, template, self.can_make_room)

    @property
    def can_make_room(self) -> bool:
        """Whether stopping one desktop allows a launch at once.

        False while a desktop that was stopped for this purpose still exists, so no person ever has
        more than one desktop above the limit.
        """
        return not self.stopping or len(self.running) + self.stopping <= self.limit


def decide_room(
    running: Sequence[RunningDesktop],
    person_limit: int,
    template: str | None,
    template_limit: int | None,
    now: datetime,
    stopping: Sequence[RunningDesktop] = (),
) -> None:
    """Raises LimitReached if the person or this template has no room for one more desktop.

    `running` are all live desktops of the person, `stopping` those that still exist. With
    `template_limit` None, the template has no limit of its own.
    """
    if len(running) + len(stopping) >= person_limit:
        raise _reached("limit", running, person_limit, template, now, len(stopping))
    same = [one for one in running if one.template == template]
    going = [one for one in stopping if one.template == template]
    if template_limit is not None and len(same) + len(going) >= template_limit:
        raise _reached("template_limit", same, template_limit, template, now, len(going))


def decide_what_to_close(reached: LimitReached, way: str) -> RunningDesktop:
    """Returns the desktop to stop for the chosen alternative.

    Raises `reached` itself if the named desktop does not run any more.
    """
    if way == CLOSE_OLDEST:
        if reached.running and reached.can_make_room:
            return reached.running[0]
        raise reached
    if not way.startswith(CLOSE_ONE):
        raise BadInput(
            "make_room",
            f"{way[:40]!r} is no way to make room.",
            what_to_do=f"Say {CLOSE_OLDEST}, or {CLOSE_ONE} and a desktop's id.",
        )
    for one in reached.running if reached.can_make_room else ():
        if one.public_id == way.removeprefix(CLOSE_ONE):
            return one
    raise reached


def close(public_id: str) -> str:
    """Returns the word of the alternative that stops this desktop."""
    return CLOSE_ONE + public_id


def age(launched_at: datetime, now: datetime) -> str:
    """Returns the desktop's age as short English text for messages, such as `2 h 5 min`."""
    minutes = max(0, (now - launched_at) // timedelta(minutes=1))
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _ways_out(
    running: Sequence[RunningDesktop], template: str | None, can_make_room: bool
) -> tuple[str, ...]:
    reuse = [REUSE] if any(one.template == template for one in running) else []
    if not can_make_room:
        return tuple(reuse)
    oldest = [CLOSE_OLDEST] if running else []
    return (*reuse, *oldest, *(close(one.public_id) for one in running))


def _reached(
    reason: str,
    running: Sequence[RunningDesktop],
    limit: int,
    template: str | None,
    now: datetime,
    stopping: int,
) -> LimitReached:
    oldest_first = sorted(running, key=lambda desktop: desktop.launched_at)
    listed = [
        f"{one.public_id} ({one.template_title}, {age(one.launched_at, now)} old)"
        for one in oldest_first
    ]
    kind = f"{oldest_first[0].template_title} " if listed and reason == "template_limit" else ""
    what_to_do = _what_to_do(listed, stopping)
    going = f" {stopping} {'is' if stopping == 1 else 'are'} still stopping." if stopping else ""
    return LimitReached(
        reason,
        f"You have {len(listed)} of {limit} {kind}desktops.{going}",
        oldest_first,
        limit,
        template,
        stopping=stopping,
        what_to_do=what_to_do,
    )


def _what_to_do(listed: Sequence[str], stopping: int) -> str:
    if stopping:
        return "What is stopping counts until it is gone: try again in some seconds."
    if listed:
        return f"Use one of them, or stop one first: {', '.join(listed)}."
    return "Ask the people who run this site."
