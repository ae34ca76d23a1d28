"""How many desktops a person may have, and the alternatives when the limit is reached.

An alternative is a word that page, API and command line share: `reuse_existing` (use the running
desktop of this template), `close_oldest` and `close_session:<id>` (stop that one, then launch).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from webapp.domain.errors import BadInput, Parameter, Refused

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
    the refused launch, `at` the time of the refusal. The reason is `limit` (the person's) or
    `template_limit` (the template's); the code says what the person can do, as in `limit.stopping`.
    """

    def __init__(
        self,
        reason: str,
        running: Sequence[RunningDesktop],
        limit: int,
        template: str | None,
        *,
        title: str,
        stopping: int,
        at: datetime,
    ) -> None:
        numbers: dict[str, Parameter] = {"count": len(running), "limit": limit}
        if stopping:
            numbers["stopping"] = stopping
        if reason == "template_limit":
            numbers["template"] = title
        super().__init__(reason + _way_on(running, stopping), **numbers)
        self.at = at
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
        raise LimitReached(
            "limit",
            _oldest_first(running),
            person_limit,
            template,
            title="",
            stopping=len(stopping),
            at=now,
        )
    same = [one for one in running if one.template == template]
    going = [one for one in stopping if one.template == template]
    if template_limit is not None and len(same) + len(going) >= template_limit:
        titles = [one.template_title for one in (*same, *going)]
        raise LimitReached(
            "template_limit",
            _oldest_first(same),
            template_limit,
            template,
            title=titles[0] if titles else template or "",
            stopping=len(going),
            at=now,
        )


def decide_what_to_close(reached: LimitReached, way: str) -> RunningDesktop:
    """Returns the desktop to stop for the chosen alternative.

    Raises `reached` itself if the named desktop does not run any more.
    """
    if way == CLOSE_OLDEST:
        if reached.running and reached.can_make_room:
            return reached.running[0]
        raise reached
    if not way.startswith(CLOSE_ONE):
        raise BadInput("make_room", "make_room", way=way[:40], oldest=CLOSE_OLDEST, one=CLOSE_ONE)
    for one in reached.running if reached.can_make_room else ():
        if one.public_id == way.removeprefix(CLOSE_ONE):
            return one
    raise reached


def close(public_id: str) -> str:
    """Returns the word of the alternative that stops this desktop."""
    return CLOSE_ONE + public_id


def _oldest_first(running: Sequence[RunningDesktop]) -> list[RunningDesktop]:
    return sorted(running, key=lambda desktop: desktop.launched_at)


def _ways_out(
    running: Sequence[RunningDesktop], template: str | None, can_make_room: bool
) -> tuple[str, ...]:
    reuse = [REUSE] if any(one.template == template for one in running) else []
    if not can_make_room:
        return tuple(reuse)
    oldest = [CLOSE_OLDEST] if running else []
    return (*reuse, *oldest, *(close(one.public_id) for one in running))


def _way_on(running: Sequence[RunningDesktop], stopping: int) -> str:
    """Returns the second word of the code, with its full stop; empty if one can be stopped."""
    if stopping:
        return ".stopping"
    return "" if running else ".none"
