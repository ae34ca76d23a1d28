"""The progress of a launch, pause or resume, in texts and numbers for the page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from webapp.domain.desktops.pauses import NO_ROOM
from webapp.domain.provisioning.clone_queue import INTERRUPTED, LOCKED, UNREACHABLE
from webapp.services.desktops.queue_position import QueuePosition
from webapp.services.desktops.views import BuildView, StepView
from webapp.web.language import _, lazy_gettext
from webapp.web.words import precise, short

#: After a wait longer than this, the page checks whether a worker runs at all.
PATIENCE = timedelta(seconds=10)
#: Above this multiple of the usual time, the page says that it takes longer.
LONG = 1.5


@dataclass(frozen=True)
class Step:
    """One step: `state` is done, running, waiting or failed."""

    title: str
    state: str
    word: str
    took: str
    since: datetime | None


@dataclass(frozen=True)
class BuildProgress:
    """What the page shows about a launch that is under way or failed."""

    percent: int
    sentence: str
    elapsed: str
    since: datetime | None
    steps: list[Step]


def build_progress(
    view: BuildView,
    now: datetime,
    *,
    is_moving: bool,
    is_stuck: bool,
    trouble: str = "",
    waiting: QueuePosition | None = None,
) -> BuildProgress:
    """Return `view` as texts. `is_stuck` means that no worker is there to work on it.

    `trouble` is the reason why the last attempt failed; it is retried.
    """
    return BuildProgress(
        percent=round(100 * view.progress),
        sentence=_sentence(view, trouble, waiting, is_stuck=is_stuck) if is_moving else "",
        elapsed=short(view.elapsed),
        since=now - view.elapsed if is_moving else None,
        steps=[_step(step, now, is_moving=is_moving) for step in view.steps],
    )


_TROUBLES = {
    UNREACHABLE: lazy_gettext(
        "The servers that run the desktops do not answer right now. Winux is retrying."
    ),
    LOCKED: lazy_gettext("The servers that run the desktops are busy. Winux is retrying."),
    INTERRUPTED: lazy_gettext(
        "The build was interrupted by a fault of this site. Winux is retrying."
    ),
    NO_ROOM: lazy_gettext(
        "Its server has no free memory right now; it continues when a desktop ends."
    ),
}


def _sentence(
    view: BuildView, trouble: str, waiting: QueuePosition | None, *, is_stuck: bool
) -> str:
    if is_stuck:
        return _("No worker is processing it right now. The people who run this site can see why.")
    if trouble in _TROUBLES:
        return str(_TROUBLES[trouble])
    if waiting and (sentence := _waiting_sentence(waiting, view.elapsed)):
        return sentence
    if view.usual is None and view.is_pause:
        return ""
    if view.usual is None:
        return _("There is no estimate yet, because this site has not measured a launch of it.")
    if view.elapsed > view.usual * LONG:
        return _("It takes longer than usual (%(time)s).", time=short(view.usual))
    if view.is_pause:
        return _("Usually done in %(time)s.", time=short(view.usual))
    return _("Usually ready in %(time)s.", time=short(view.usual))


def _waiting_sentence(waiting: QueuePosition, elapsed: timedelta) -> str:
    """Return what the launch waits for; empty if it is next and has hardly waited."""
    if waiting.wait:
        return _(waiting.wait)
    if waiting.place == 1 and elapsed <= PATIENCE:
        return ""
    if waiting.place == 1:
        place = _("Next in the queue.")
    else:
        place = _("Position %(place)s in the queue.", place=waiting.place)
    if waiting.ready_in is None:
        return place
    return f"{place} " + _("Ready in about %(time)s.", time=short(waiting.ready_in))


def _step(step: StepView, now: datetime, *, is_moving: bool) -> Step:
    if step.is_done:
        state, word = "done", _("done")
    elif step.is_running:
        state, word = ("running", _("under way")) if is_moving else ("failed", _("failed"))
    else:
        state, word = "waiting", _("not yet")
    return Step(
        title=_(step.words),
        state=state,
        word=word,
        took="" if state == "failed" else _took(step),
        since=now - step.elapsed if state == "running" and step.elapsed is not None else None,
    )


def _took(step: StepView) -> str:
    if step.elapsed is None:
        return ""
    return precise(step.elapsed) if step.is_done else short(step.elapsed)
