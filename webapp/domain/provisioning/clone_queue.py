"""When a build that met trouble is tried again, and which trouble is nobody's fault here.

Clones of one template are serial on Proxmox VE: the source keeps its lock `disk` until the clone
has ended, and a second clone fails at once. Storages have locks of their own.
"""

from datetime import timedelta

#: Reasons of failures, as `OutsideFailed.reason` and `Desktop.failure_reason` carry them.
LOCKED = "locked"
"""Somebody holds a lock on the source, the container or the storage."""
UNREACHABLE = "unreachable"
"""Proxmox, or the node, did not answer."""
REFUSED = "refused"
"""The API token is not accepted, or lacks a right."""
BAD_INPUT = "bad_input"
"""What its person chose (a user name) cannot be used inside the desktop."""
INTERRUPTED = "interrupted"
"""The run was killed (memory, a signal), took too long, or could not be started at all."""

#: Failures that pass by themselves: the build waits and is tried again.
PASSING = frozenset({LOCKED, UNREACHABLE, INTERRUPTED})
#: Failures that say nothing about the template.
OF_THE_SITE = PASSING | {REFUSED}
#: Failures that another choice of the person would not have.
OF_THE_PERSON = frozenset({BAD_INPUT})

FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(seconds=30)


def pause_before(attempt: int, chance: float) -> timedelta:
    """How long a build waits after its `attempt`-th try in vain (from 1).

    It doubles each time, up to the longest; `chance` (0 to 1) spreads builds that met the same
    lock between half and one and a half of that, so that they do not meet again.
    """
    doubled: timedelta = FIRST_PAUSE * 2 ** min(max(attempt, 1) - 1, 10)
    return min(doubled, LONGEST_PAUSE) * (0.5 + chance)


def decide_retry(reason: str, begun: timedelta, limit: timedelta) -> bool:
    """Whether a build that broke for `reason` is tried again, `begun` ago, within `limit`."""
    return reason in PASSING and begun + FIRST_PAUSE < limit
