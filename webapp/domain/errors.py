"""All errors that Winux raises on purpose, in one tree.

WinuxError
├── CodedError           a code with parameters; webapp/texts has the sentence for each code
│   ├── Refused          a rule rejects the request; nothing is broken, the person can react to it
│   │   ├── BadInput     a value that cannot be used, with the field it came in
│   │   ├── TooMany      too often; `retry_after` is the time until it may work again
│   │   └── LimitReached the desktop limit is reached (desktops/launch_limits.py); has alternatives
│   ├── NotFound         there is no such thing, or not for this person
│   └── Conflict         the thing was changed since the caller read it
│       └── Stale        it is not at the version that the caller requires
└── OutsideFailed        an external part (Proxmox, Ansible, a desktop) failed; an English message

A code is a word, or two words joined by a full stop: `limit`, `not_ready.pause`. The first word of
a Refused's code is its reason, which API clients, audit entries and webhooks see, and is stable.
"""

from collections.abc import Mapping
from datetime import timedelta

from webapp.domain.plain_text import plain_text

#: The maximum number of characters kept of a run's last lines.
LONGEST_LOG = 40_000

#: What a sentence may be about: numbers, names, durations and lists of names; never prose.
Parameter = str | int | timedelta | tuple[str, ...]


class WinuxError(Exception):
    """Base of all errors that Winux raises on purpose."""


class CodedError(WinuxError):
    """A stable code with the parameters of its sentence. The edges make the sentence."""

    def __init__(self, code: str, /, **parameters: Parameter) -> None:
        super().__init__(code)
        self.code = code
        self.parameters: Mapping[str, Parameter] = parameters

    def __str__(self) -> str:
        """Returns code and parameters, for logs."""
        shown = ", ".join(f"{name}={_shown(value)}" for name, value in self.parameters.items())
        return f"{self.code}({shown})"


class Refused(CodedError):
    """A rule rejects the request.

    `suggested_actions` are the alternatives for programs, such as `close_oldest`.
    """

    suggested_actions: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """A stable word for programs, such as `limit`."""
        return self.code.partition(".")[0]


class BadInput(Refused):
    """A value that cannot be used; `field` names the form or parameter field it came in."""

    def __init__(self, field: str, code: str, /, **parameters: Parameter) -> None:
        super().__init__(f"bad_input.{code}", **parameters)
        self.field = field


class TooMany(Refused):
    """Requested too often; `retry_after` is the time to wait, and the parameter `wait`."""

    def __init__(self, code: str, /, *, retry_after: timedelta, **parameters: Parameter) -> None:
        super().__init__(code, wait=retry_after, **parameters)
        self.retry_after = retry_after


class NotFound(CodedError):
    """There is no such thing, or this person may not see it; `kind` is what was looked for."""

    def __init__(self, kind: str, /, **parameters: Parameter) -> None:
        super().__init__(f"not_found.{kind}", **parameters)


class Conflict(CodedError):
    """Another process changed the thing since it was read; reading again and retrying is safe."""

    def __init__(self, code: str, /, **parameters: Parameter) -> None:
        super().__init__(f"conflict.{code}", **parameters)


class Stale(Conflict):
    """The thing is not at the version that the caller requires; the same call fails again."""


class OutsideFailed(WinuxError):
    """An external part failed; `retry` is whether the same call may work later.

    `message` is a sentence on what happened, `what_to_do` one on how to continue; both are English.
    `log` holds a failed run's last lines, without secrets, for the admin. `reason` is a stable word
    if the cause is known (those of builds are in domain/provisioning/clone_queue.py), else empty.
    Message and log may quote external text, so control characters are removed from both.
    """

    def __init__(
        self, message: str, *, retry: bool, what_to_do: str = "", log: str = "", reason: str = ""
    ) -> None:
        super().__init__(message)
        self.message = plain_text(message)
        self.what_to_do = what_to_do
        self.retry = retry
        self.log = plain_text(log, LONGEST_LOG)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.message} {self.what_to_do}".strip()


def _shown(value: Parameter) -> str:
    return f"{value.total_seconds():g} s" if isinstance(value, timedelta) else repr(value)
