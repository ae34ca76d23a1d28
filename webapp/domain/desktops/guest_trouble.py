"""Desktops with unusable answers: how often they are asked again, and how they are marked."""

from datetime import timedelta

#: Failure reasons of a request to a desktop, as in `OutsideFailed.reason`.
NONSENSE = "nonsense"
"""The response is not one that winux-guest sends."""
MUTE = "mute"
"""The response did not arrive in time, or did not end."""

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)


def pause_after(failures: int) -> timedelta:
    """Returns the pause before the next request, after `failures` (from 1) bad responses."""
    doubled: timedelta = FIRST_PAUSE * 2 ** min(max(failures, 1) - 1, 10)
    return min(doubled, LONGEST_PAUSE)
