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
        raise BadInput("minutes", "launch_minutes", longest=durations.max_minutes, wanted=wanted)
    return wanted


def decide_username(wanted: str | None) -> str:
    """Returns the RDP user name of a launch: a plain POSIX name that is not a system account."""
    name = (wanted or "").strip() or "desktop"
    if not USERNAME.fullmatch(name):
        raise BadInput("rdp_username", "user_name_form")
    if is_reserved(name):
        raise BadInput("rdp_username", "user_name_reserved", name=name)
    return name


def decide_keyboard(wanted: str | None) -> str:
    """Returns the keyboard layout of a launch: `us` by default; refuses an unknown layout."""
    layout = (wanted or "").strip() or "us"
    if layout not in KEYBOARD_LAYOUTS:
        raise BadInput("keyboard_layout", "keyboard", layout=layout[:20])
    return layout


def decide_extension(
    deadline_at: datetime, ready_at: datetime, minutes: int, durations: Durations, now: datetime
) -> datetime:
    """Returns the deadline after `minutes` more, up to the template's maximum lifetime."""
    if not 1 <= minutes <= durations.max_minutes:
        raise BadInput("minutes", "extension", longest=durations.max_minutes)
    if deadline_at <= now:
        raise Refused("expired.time")
    latest = ready_at + timedelta(minutes=durations.max_minutes)
    if deadline_at >= latest:
        raise Refused("longest", longest=durations.max_minutes)
    return min(deadline_at + timedelta(minutes=minutes), latest)
