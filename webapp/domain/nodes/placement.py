"""On which node the next desktop of a template is made: a pure decision over what was last seen.

A node takes a desktop when it is enabled and up, has the memory and the disk for it, and has a
replica of the template that nobody clones from. Of several the one with the most memory left.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

#: A node that takes longer than this to list its containers is used only when no other can be.
SLOW = timedelta(seconds=2)
#: Disk that a clone may take before it is noticed.
DISK_RESERVE_GB = 1


@dataclass(frozen=True)
class NodeRoom:
    """A node as it was last seen; sizes are None where nobody may see them."""

    name: str
    is_usable: bool = True
    """Enabled by the admin, online and without trouble."""
    answered: timedelta | None = None
    free_mb: int | None = None
    storage_free_gb: int | None = None
    promised_mb: int = 0
    """For desktops that were begun since it was seen."""
    desktops: int = 0
    """Being made there now."""

    def left_mb(self, reserve_mb: int) -> int | None:
        """Memory for further desktops."""
        return None if self.free_mb is None else self.free_mb - self.promised_mb - reserve_mb

    def has_room(self, need_mb: int, reserve_mb: int) -> bool:
        """Whether one more desktop fits; what cannot be seen is taken for room."""
        left = self.left_mb(reserve_mb)
        has_disk = self.storage_free_gb is None or self.storage_free_gb >= DISK_RESERVE_GB
        return has_disk and (left is None or left >= need_mb)

    @property
    def is_slow(self) -> bool:
        return self.answered is not None and self.answered > SLOW


@dataclass(frozen=True)
class Source:
    """A template container that could be cloned."""

    vmid: int
    node: str
    version: str
    is_busy: bool = False
    """Another desktop is being cloned from it, or its storage has as many clones as it may."""
    is_missing: bool = False
    locked_at: datetime | None = None
    """Since when it is seen locked with nothing of ours at work on it: somebody else's clone, or
    a lock that was left behind."""

    def is_stuck(self, now: datetime, stale_after: timedelta) -> bool:
        """Whether its lock was left behind and only a person can take it away."""
        return self.locked_at is not None and now - self.locked_at >= stale_after


class Wait(StrEnum):
    """Why a desktop cannot be begun yet; the words are shown to people."""

    BUSY = "Another desktop is being copied from the same template."
    FULL = "All nodes are full; it goes on when a desktop ends."
    STUCK = "The template is locked on the node. The people who run this site can see the cure."
    DOWN = "No node that has this template can be used right now."


def decide_placement(
    sources: Sequence[Source],
    nodes: Mapping[str, NodeRoom],
    need_mb: int,
    reserve_mb: int,
    now: datetime,
    stale_after: timedelta,
) -> Source | Wait:
    """The source to clone, or why to wait; a node that nobody has looked at yet is taken for free.

    A busy source never hides an idle one on another node, and a stuck one only stops itself.
    """
    there = [one for one in sources if not one.is_missing] or list(sources)
    up = [one for one in there if _room(nodes, one).is_usable]
    if not up:
        return Wait.DOWN
    sound = [one for one in up if not one.is_stuck(now, stale_after)]
    if not sound:
        return Wait.STUCK
    fitting = [one for one in sound if _room(nodes, one).has_room(need_mb, reserve_mb)]
    if not fitting:
        return Wait.FULL
    idle = [one for one in fitting if not one.is_busy and one.locked_at is None]
    if not idle:
        return Wait.BUSY
    return min(idle, key=lambda one: _rank(_room(nodes, one), reserve_mb, one.vmid))


def _room(nodes: Mapping[str, NodeRoom], source: Source) -> NodeRoom:
    return nodes.get(source.node) or NodeRoom(source.node)


def _rank(room: NodeRoom, reserve_mb: int, vmid: int) -> tuple[bool, int, int, int]:
    """Quick before slow, then the most memory left, then the fewest begun."""
    left = room.left_mb(reserve_mb)
    return room.is_slow, -(left or 0), room.desktops, vmid


def count_fitting(nodes: Iterable[NodeRoom], need_mb: int, reserve_mb: int) -> int | None:
    """How many more desktops of `need_mb` fit; None when no usable node's memory can be seen."""
    seen = [one for one in nodes if one.is_usable]
    left = [(one, one.left_mb(reserve_mb)) for one in seen]
    if any(mb is None for _one, mb in left):
        return None
    return sum(
        max(mb or 0, 0) // max(need_mb, 1) for one, mb in left if one.has_room(need_mb, reserve_mb)
    )
