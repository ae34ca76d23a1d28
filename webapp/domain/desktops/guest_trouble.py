"""Desktops whose answers cannot be used: how often they are asked again, and what is marked."""

from datetime import timedelta

#: Reasons of failures of a question to a desktop, as `OutsideFailed.reason` carries them.
NONSENSE = "nonsense"
"""It answered something that winux-guest never answers."""
MUTE = "mute"
"""It did not answer in time, or without an end."""

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)


def pause_after(failures: int) -> timedelta:
    """How long a desktop is left alone after its `failures`-th bad answer in a row (from 1)."""
    doubled: timedelta = FIRST_PAUSE * 2 ** min(max(failures, 1) - 1, 10)
    return min(doubled, LONGEST_PAUSE)
