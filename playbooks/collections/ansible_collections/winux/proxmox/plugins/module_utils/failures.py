"""Failures, with messages for the person who runs a playbook.

ProxmoxFailed             the message has the cause and the remedy
├── Missing               no such container, or hidden from this token
├── Taken                 the id belongs to another container
├── TaskFailed            a task of Proxmox VE ended badly; holds its exit status
└── AnswerLost            no response to a write: its effect is unknown
"""

from __future__ import annotations

#: Reasons of failures that a program can handle.
LOCKED = "locked"
UNREACHABLE = "unreachable"
REFUSED = "refused"


#: Maximum length of a message: additions by Proxmox VE, a task's log or a desktop have no limit.
LONGEST = 4000


class ProxmoxFailed(Exception):
    """An operation failed; the text is for a person, `reason` is a stable word or empty."""

    def __init__(self, text: str, reason: str = "") -> None:
        super().__init__(printable(text[:LONGEST]))
        self.reason = reason


def printable(text: str) -> str:
    """Return `text` without control characters other than line breaks, which move the cursor."""
    return "".join(one if one.isprintable() or one == "\n" else " " for one in text)


class Missing(ProxmoxFailed):
    """The container is missing; a pool-scoped token gets 403 for that, so 403 counts too."""

    def __init__(self, text: str, *, is_refusal: bool = False) -> None:
        super().__init__(text, REFUSED if is_refusal else "")
        self.is_refusal = is_refusal


class Taken(ProxmoxFailed):
    """The container id belongs to a container without our mark."""


class AnswerLost(ProxmoxFailed):
    """The connection broke after a write was sent."""

    def __init__(self, text: str) -> None:
        super().__init__(text, UNREACHABLE)


class TaskFailed(ProxmoxFailed):
    """A task ended with another status than OK or WARNINGS."""

    def __init__(self, what: str, exit_status: str, log: list[str]) -> None:
        super().__init__("\n".join([f"{what} failed: {exit_status}", *log]))
        self.exit_status = exit_status
