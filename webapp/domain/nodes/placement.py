"""On which node the next desktop of a template is made: a pure decision over the last readings.

A node takes a desktop if it is enabled and up, has the memory and the disk for it, and has a
replica of the template that is not being cloned. The one with the most memory left is chosen.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

#: A node that takes longer than this to list its containers is used only if no other one fits.
SLOW = timedelta(seconds=2)
#: The minimum free storage for a clone.
DISK_RESERVE_GB = 1


@dataclass(frozen=True)
class NodeRoom:
    """A node's last reading; sizes are None if the API token may not read them."""

    name: str
    is_usable: bool = True
    """Enabled by the admin, online and without trouble."""
    answered: timedelta | None = None
    free_mb: int | None = None
    storage_free_gb: int | None = None
    promised_mb: int = 0
    """Memory of desktops begun since the reading."""
    desktops: int = 0
    """The number of desktops being made there now."""

    def left_mb(self, reserve_mb: int) -> int | None:
        """Returns the memory for further desktops."""
        return None if self.free_mb is None else self.free_mb - self.promised_mb - reserve_mb

    def has_room(self, need_mb: int, reserve_mb: int) -> bool:
        """Whether one more desktop fits; an unknown size counts as enough."""
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
    """Another desktop is being cloned from it, or its storage has its maximum of clones."""
    is_missing: bool = False
    locked_at: datetime | None = None
    """Since when it has been locked without work of this portal: a clone of another client, or a
    stale lock."""

    def is_stuck(self, now: datetime, stale_after: timedelta) -> bool:
        """Whether its lock is stale, so that only a person can remove it."""
        return self.locked_at is not None and now - self.locked_at >= stale_after


class Wait(StrEnum):
    """Why a desktop cannot be begun yet; the texts are shown to people."""

    BUSY = "Another desktop is being copied from the same template."
    FULL = "All nodes are full; it continues when a desktop ends."
    STUCK = (
        "The template is locked on the node. The people who run this site can see how to unlock it."
    )
    DOWN = "No node that has this template can be used right now."


def decide_placement(
    sources: Sequence[Source],
    nodes: Mapping[str, NodeRoom],
    need_mb: int,
    reserve_mb: int,
    now: datetime,
    stale_after: timedelta,
) -> Source | Wait:
    """Returns the source to clone, or why to wait. A node without a reading counts as free.

    A busy source does not hide an idle one on another node, and a stuck one excludes only itself.
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
    """Sorts fast nodes before slow ones, then by most memory left, then by fewest desktops."""
    left = room.left_mb(reserve_mb)
    return room.is_slow, -(left or 0), room.desktops, vmid


def count_fitting(nodes: Iterable[NodeRoom], need_mb: int, reserve_mb: int) -> int | None:
    """Returns how many more desktops of `need_mb` fit; None if a node's memory is unknown."""
    seen = [one for one in nodes if one.is_usable]
    left = [(one, one.left_mb(reserve_mb)) for one in seen]
    if any(mb is None for _one, mb in left):
        return None
    return sum(
        max(mb or 0, 0) // max(need_mb, 1) for one, mb in left if one.has_room(need_mb, reserve_mb)
    )
