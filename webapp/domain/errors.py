"""All errors that Winux raises on purpose, in one tree.

WinuxError
├── Refused          a rule rejects the request; nothing is broken, the person can react to it
│   ├── BadInput     a value that cannot be used, with the field it came in
│   ├── TooMany      too often; `retry_after` is the time until it may work again
│   └── LimitReached the desktop limit is reached (desktops/launch_limits.py); has alternatives
├── NotFound         there is no such thing, or not for this person
├── Conflict         the thing was changed since the caller read it
│   └── Stale        it is not at the version that the caller requires
└── OutsideFailed    an external part (Proxmox, Ansible, a desktop) failed

Messages are shown to people: one sentence on what happened, and `what_to_do` on how to continue.
"""

from datetime import timedelta

from webapp.domain.plain_text import plain_text

#: The maximum number of characters kept of a run's last lines.
LONGEST_LOG = 40_000


class WinuxError(Exception):
    """Base of all errors that Winux raises on purpose."""

    def __init__(self, message: str, *, what_to_do: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.what_to_do = what_to_do

    def __str__(self) -> str:
        return f"{self.message} {self.what_to_do}".strip()


class Refused(WinuxError):
    """A rule rejects the request. `reason` is a stable word for programs, such as `limit`.

    `suggested_actions` are the alternatives for programs, such as `close_oldest`.
    """

    suggested_actions: tuple[str, ...] = ()

    def __init__(self, reason: str, message: str, *, what_to_do: str = "") -> None:
        super().__init__(message, what_to_do=what_to_do)
        self.reason = reason


class BadInput(Refused):
    """A value that cannot be used; `field` names the form or parameter field it came in."""

    def __init__(self, field: str, message: str, *, what_to_do: str = "") -> None:
        super().__init__("bad_input", message, what_to_do=what_to_do)
        self.field = field


class TooMany(Refused):
    """Requested too often; `retry_after` is the time to wait."""

    def __init__(
        self, reason: str, message: str, *, retry_after: timedelta, what_to_do: str = ""
    ) -> None:
        super().__init__(reason, message, what_to_do=what_to_do)
        self.retry_after = retry_after


class NotFound(WinuxError):
    """There is no such thing, or this person may not see it."""


class Conflict(WinuxError):
    """Another process changed the thing since it was read; reading again and retrying is safe."""


class Stale(Conflict):
    """The thing is not at the version that the caller requires; the same call fails again."""


class OutsideFailed(WinuxError):
    """An external part failed; `retry` is whether the same call may work later.

    `log` holds a failed run's last lines, without secrets, for the admin. `reason` is a stable word
    if the cause is known (those of builds are in domain/provisioning/clone_queue.py), else empty.
    Message and log may quote external text, so control characters are removed from both.
    """

    def __init__(
        self, message: str, *, retry: bool, what_to_do: str = "", log: str = "", reason: str = ""
    ) -> None:
        super().__init__(plain_text(message), what_to_do=what_to_do)
        self.retry = retry
        self.log = plain_text(log, LONGEST_LOG)
        self.reason = reason
