"""The ownership mark that a container carries in its Proxmox description.

It is written by the same call that creates the container, so any container can be traced to its
desktop after any crash, and one without our mark is never touched.
"""

import re
from dataclasses import dataclass

_MARK = re.compile(
    r"^winux: portal=(?P<portal>[A-Za-z0-9_-]+) desktop=(?P<desktop>[a-z0-9-]+)\s*$", re.MULTILINE
)


@dataclass(frozen=True)
class Mark:
    """Which portal and which desktop (public id) a container belongs to."""

    portal_id: str
    desktop_id: str

    def __str__(self) -> str:
        return f"winux: portal={self.portal_id} desktop={self.desktop_id}"


def parse_mark(description: str | None) -> Mark | None:
    """The mark in a container's description, or None if it carries none."""
    found = _MARK.search(description or "")
    return Mark(found["portal"], found["desktop"]) if found else None
