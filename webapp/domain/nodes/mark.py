"""The ownership mark that a container carries in its Proxmox description.

The call that creates the container also writes the mark, so a container can be traced to its
desktop after a crash at any point. A container without the portal's mark is never touched.
"""

import re
from dataclasses import dataclass

_LINE = re.compile(r"^winux: portal=(\S+) desktop=(\S+)\s*$", re.MULTILINE)
_PORTAL, _DESKTOP = re.compile(r"[A-Za-z0-9_-]+"), re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True)
class Mark:
    """Which portal and which desktop (public id) a container belongs to."""

    portal_id: str
    desktop_id: str

    def __str__(self) -> str:
        return f"winux: portal={self.portal_id} desktop={self.desktop_id}"


def parse_mark(description: str | None) -> Mark | None:
    """Returns the mark in a container's description, or None if it has none.

    Returns None for two different marks, because one of them was written by hand.
    """
    found = set(_LINE.findall(description or ""))
    if len(found) != 1:
        return None
    [(portal_id, desktop_id)] = found
    if not (_PORTAL.fullmatch(portal_id) and _DESKTOP.fullmatch(desktop_id)):
        return None
    return Mark(portal_id, desktop_id)
