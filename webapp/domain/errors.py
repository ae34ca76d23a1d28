"""Every error of ours, one tree.

WinuxError
├── Refused          a rule says no; nothing is broken, the person can do something about it
│   ├── BadInput     a value that cannot be used, with the field it came in
│   ├── TooMany      too often; `retry_after` says when it may work again
│   └── LimitReached as many desktops as one may have (desktops/launch_limits.py); has the ways out
├── NotFound         there is no such thing, or not for this person
├── Conflict         the thing changed under the caller's hands
│   └── Stale        it is not at the version that the caller insists on
└── OutsideFailed    something outside (Proxmox, Ansible, a desktop) did not do its part

Messages are shown to people: a sentence that says what happened, and `what_to_do` that says how
to go on.
"""

from datetime import timedelta

from webapp.domain.plain_text import plain_text

#: Characters of a run's last lines that are kept.
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
    """A rule says no. `reason` is a stable word for programs and metrics, such as `limit`.

    `suggested_actions` are the ways out that a program can take, such as `close_oldest`.
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
    """Asked too often; `retry_after` says how long to wait."""

    def __init__(
        self, reason: str, message: str, *, retry_after: timedelta, what_to_do: str = ""
    ) -> None:
        super().__init__(reason, message, what_to_do=what_to_do)
        self.retry_after = retry_after


class NotFound(WinuxError):
    """There is no such thing, or not for the person who asks."""


class Conflict(WinuxError):
    """Another process changed the thing since it was read; reading again and retrying is safe."""


class Stale(Conflict):
    """It is not at the version that the caller insists on; repeating the same call is no use."""


class OutsideFailed(WinuxError):
    """Something outside did not do its part; `retry` says whether the same call may work later.

    `log` holds a failed run's last lines, without secrets, for the admin. `reason` is a stable word
    where the cause is known (domain/provisioning/clone_queue.py has those that builds know), else
    empty. Message and log may quote what is outside, so control characters are taken out of both.
    """

    def __init__(
        self, message: str, *, retry: bool, what_to_do: str = "", log: str = "", reason: str = ""
    ) -> None:
        super().__init__(plain_text(message), what_to_do=what_to_do)
        self.retry = retry
        self.log = plain_text(log, LONGEST_LOG)
        self.reason = reason
