"""Checks of the values of a launch or an extension: pure functions of values and a time.

How many desktops a person may have is in `launch_limits.py`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from webapp.domain.desktops.account_names import USERNAME, is_reserved
from webapp.domain.desktops.keyboards import KEYBOARD_LAYOUTS
from webapp.domain.errors import BadInput, Refused


@dataclass(frozen=True)
class Durations:
    """What a template allows: how long a desktop lives, in minutes."""

    default_minutes: int
    max_minutes: int


def decide_minutes(wanted: int | None, durations: Durations) -> int:
    """Returns the minutes of a launch; refuses a value outside the template's range."""
    if wanted is None:
        return durations.default_minutes
    if not 1 <= wanted <= durations.max_minutes:
        raise BadInput(
            "minutes",
            f"This desktop can run for 1 to {durations.max_minutes} minutes, not {wanted}.",
            what_to_do="Choose a shorter time; you can extend it while it runs.",
        )
    return wanted


def decide_username(wanted: str | None) -> str:
    """Returns the RDP user name of a launch: a plain POSIX name that is not a system account."""
    name = (wanted or "").strip() or "desktop"
    if not USERNAME.fullmatch(name):
        raise BadInput(
            "rdp_username",
            "An RDP user name starts with a small letter and has at most 31 small letters, "
            "digits, - and _.",
            what_to_do="Choose another name or leave the field empty.",
        )
    if is_reserved(name):
        raise BadInput(
            "rdp_username",
            f"{name} is an account or a group of the system itself.",
            what_to_do="Choose another name or leave the field empty.",
        )
    return name


def decide_keyboard(wanted: str | None) -> str:
    """Returns the keyboard layout of a launch: `us` by default; refuses an unknown layout."""
    layout = (wanted or "").strip() or "us"
    if layout not in KEYBOARD_LAYOUTS:
        raise BadInput(
            "keyboard_layout",
            f"The keyboard layout {layout[:20]!r} is not known.",
            what_to_do="Choose one of the list.",
        )
    return layout


def decide_extension(
    deadline_at: datetime, ready_at: datetime, minutes: int, durations: Durations, now: datetime
) -> datetime:
    """Returns the deadline after `minutes` more, up to the template's maximum lifetime."""
    if not 1 <= minutes <= durations.max_minutes:
        raise BadInput("minutes", f"Extend by 1 to {durations.max_minutes} minutes.")
    if deadline_at <= now:
        raise Refused("expired", "This desktop's time is up.", what_to_do="Launch a new one.")
    latest = ready_at + timedelta(minutes=durations.max_minutes)
    if deadline_at >= latest:
        raise Refused(
            "longest",
            f"This desktop already has the longest time, {durations.max_minutes} minutes in all.",
            what_to_do="Save your work elsewhere and launch a new one.",
        )
    return min(deadline_at + timedelta(minutes=minutes), latest)
