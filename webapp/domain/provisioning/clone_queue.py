"""When a failed build is retried, and which failures the template did not cause.

Clones of one template are serial on Proxmox VE: the source keeps its lock `disk` until the clone
has ended, and a second clone fails at once. Storages have locks of their own.
"""

from datetime import timedelta

#: Failure reasons, as in `OutsideFailed.reason` and `Desktop.failure_reason`.
LOCKED = "locked"
"""The source, the container or the storage is locked."""
UNREACHABLE = "unreachable"
"""Proxmox, or the node, did not answer."""
REFUSED = "refused"
"""The API token is rejected or lacks a right."""
VMID_TAKEN = "vmid_taken"
"""Containers that are not the portal's hold each VM id that it tried."""
BAD_INPUT = "bad_input"
"""A value of the person's launch (a user name) cannot be used inside the desktop."""
INTERRUPTED = "interrupted"
"""The run was killed (memory, a signal), took too long, or could not be started."""

#: Failures that pass by themselves: the build waits and is retried.
PASSING = frozenset({LOCKED, UNREACHABLE, INTERRUPTED, VMID_TAKEN})
#: Failures that are not caused by the template.
OF_THE_SITE = PASSING | {REFUSED, "no_vmid", "no_address"}
#: Failures that the person can avoid with other values.
OF_THE_PERSON = frozenset({BAD_INPUT})

FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(seconds=30)


def pause_before(attempt: int, chance: float) -> timedelta:
    """Returns how long a build waits after its `attempt`-th failed attempt (from 1).

    The wait doubles each time, up to the longest. `chance` (0 to 1) varies it by a factor between
    0.5 and 1.5, so that builds that met the same lock do not meet again.
    """
    doubled: timedelta = FIRST_PAUSE * 2 ** min(max(attempt, 1) - 1, 10)
    return min(doubled, LONGEST_PAUSE) * (0.5 + chance)


def decide_retry(reason: str, begun: timedelta, limit: timedelta) -> bool:
    """Whether to retry a build, first begun `begun` ago, that failed for `reason`."""
    return reason in PASSING and begun + FIRST_PAUSE < limit
