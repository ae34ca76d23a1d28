"""How long a launch will take, from the launches measured at this site."""

from collections.abc import Sequence
from datetime import timedelta
from statistics import median

#: The step that holds the source: builds of one template run it one after the other.
CLONE_STEP = "desktop_clone"
LAST_STEP = "desktop_verify"
#: The steps of a build in order: the Ansible role that runs the step, and its title for people.
BUILD_STEPS: dict[str, str] = {
    CLONE_STEP: "Copying the template",
    "desktop_configure": "Setting size and address",
    "desktop_start": "Starting the machine",
    "desktop_personalise": "Setting up your account",
    LAST_STEP: "Waiting for the screen",
}

#: The steps of assigning a pool desktop whose settings differ from those it was built with.
ASSIGN_STEPS: dict[str, str] = {
    "desktop_assign": "Setting up your account",
    LAST_STEP: "Waiting for the screen",
}


#: The steps of a pause, and those of its end.
PAUSE_STEPS: dict[str, str] = {"desktop_pause": "Shutting the machine down"}
RESUME_STEPS: dict[str, str] = {
    "desktop_start": "Starting the machine",
    "desktop_resume": "Waiting for the screen",
}


def estimate(measured: Sequence[timedelta]) -> timedelta | None:
    """Returns the median of the measured durations, or None without any."""
    return timedelta(seconds=median(m.total_seconds() for m in measured)) if measured else None


def progress(
    elapsed: timedelta, usual: timedelta | None, steps_done: int, steps: int = len(BUILD_STEPS)
) -> float:
    """Returns a build's progress, 0 to 1: by steps, smoothed by time; below 1 until the end."""
    by_steps = steps_done / steps
    if usual is None or usual.total_seconds() <= 0:
        return min(by_steps, 0.98)
    by_time = elapsed / usual
    next_step = min((steps_done + 1) / steps, 1)
    return min(max(by_steps, min(by_time, next_step)), 0.98)
