"""Ownership marks: one line in a container's description, written by the creating call."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed

ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
TRIAL_PORTAL = "template-build"
DESKTOP = re.compile(r"^winux: portal=(\S+) desktop=(\S+)[ \t]*$", re.MULTILINE)
TEMPLATE = re.compile(r"^winux-template: name=(\S+) version=(\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class PublishedTemplate:
    """A template that desktops may be cloned from."""

    vmid: int
    name: str
    version: str


def desktop_mark(portal_id: str, session_id: str) -> str:
    """Return the mark of a desktop. Checks both ids: they become a line and a host name."""
    for name, value in (("portal_id", portal_id), ("session_id", session_id)):
        if not ID.fullmatch(value):
            raise ProxmoxFailed(
                f"{name} must be 1 to 63 of a-z, 0-9 and -, and begin and end with a letter or "
                f"digit; it is {value!r}"
            )
    return f"winux: portal={portal_id} desktop={session_id}"


def template_mark(name: str, version: str) -> str:
    """Return the mark of a template that has been tested and may be used."""
    return f"winux-template: name={name} version={version}"


def draft_mark(name: str, version: str) -> str:
    """Return the mark of a template that is being built."""
    return f"winux-template-draft: name={name} version={version}"


def has_mark(config: dict[str, object], mark: str) -> bool:
    """Whether a line of the description is the mark; people add lines, Proxmox a newline.

    Marks of several desktops do not count: the owner of the container is then ambiguous.
    """
    lines = [line.strip() for line in str(config.get("description", "")).splitlines()]
    return mark in lines and len(_desktops(config)) <= 1


def find_trial_mark(config: dict[str, object]) -> str | None:
    """Return the mark of a clone for testing a template (role template_try), if it is one."""
    found = read_desktop(config)
    if found is None or found[0] != TRIAL_PORTAL:
        return None
    return desktop_mark(*found)


def read_desktop(config: dict[str, object]) -> tuple[str, str] | None:
    """Return portal and public id of the container's desktop, if it has exactly one mark."""
    found = _desktops(config)
    return found.pop() if len(found) == 1 else None


def _desktops(config: dict[str, object]) -> set[tuple[str, str]]:
    """Return portal and public id of every desktop's mark in the description."""
    return set(DESKTOP.findall(str(config.get("description", "")).replace("\r", "")))


def read_template(vmid: int, config: dict[str, object]) -> PublishedTemplate | None:
    """Return the template that this container is, if it is a published one."""
    found = TEMPLATE.search(str(config.get("description", "")).replace("\r", ""))
    is_template = str(config.get("template", "0")) == "1"
    return PublishedTemplate(vmid, found[1], found[2]) if found and is_template else None
