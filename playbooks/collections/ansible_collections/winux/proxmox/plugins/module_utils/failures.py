"""What can go wrong, as the person who runs a playbook should read it.

ProxmoxFailed             the message says what happened and what to do
├── Missing               no such container, or none that this token may see
├── Taken                 the id is somebody else's
├── TaskFailed            a task of Proxmox VE ended badly; holds its exit status
└── AnswerLost            a write was sent and no answer came: nobody knows whether it happened
"""

from __future__ import annotations

#: Why it did not work, where a program can do something about it.
LOCKED = "locked"
UNREACHABLE = "unreachable"
REFUSED = "refused"


#: Characters of a message; what Proxmox VE, a task's log or a desktop adds to it need not end.
LONGEST = 4000


class ProxmoxFailed(Exception):
    """Something did not work; the text is for a person, `reason` a stable word or empty."""

    def __init__(self, text: str, reason: str = "") -> None:
        super().__init__(printable(text[:LONGEST]))
        self.reason = reason


def printable(text: str) -> str:
    """`text` without what moves a terminal's cursor: control characters other than line breaks."""
    return "".join(one if one.isprintable() or one == "\n" else " " for one in text)


class Missing(ProxmoxFailed):
    """The container is not there; a pool-scoped token gets 403 for that, so it counts too."""

    def __init__(self, text: str, *, is_refusal: bool = False) -> None:
        super().__init__(text, REFUSED if is_refusal else "")
        self.is_refusal = is_refusal


class Taken(ProxmoxFailed):
    """The container id belongs to something that is not ours."""


class AnswerLost(ProxmoxFailed):
    """The connection broke after a write was sent."""

    def __init__(self, text: str) -> None:
        super().__init__(text, UNREACHABLE)


class TaskFailed(ProxmoxFailed):
    """A task ended with something else than OK or WARNINGS."""

    def __init__(self, what: str, exit_status: str, log: list[str]) -> None:
        super().__init__("\n".join([f"{what} failed: {exit_status}", *log]))
        self.exit_status = exit_status
