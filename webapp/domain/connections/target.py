"""What a connection leads to, what it carries, and the way in."""

from dataclasses import dataclass
from enum import StrEnum


class TargetKind(StrEnum):
    """The kinds of machines that a connection may lead to."""

    DESKTOP = "desktop"
    SERVER = "server"
    """A machine that Winux did not make."""


class Protocol(StrEnum):
    """The protocol that a connection carries."""

    RDP = "rdp"


class Door(StrEnum):
    """The way in. One protocol may be carried through several doors."""

    BROWSER_VIEW = "browser view"


@dataclass(frozen=True)
class Target:
    """The machine that a connection leads to; `id` is its public id."""

    kind: TargetKind
    id: str


@dataclass(frozen=True)
class Way:
    """The protocol that a door carries, and the kinds of targets that it leads to."""

    protocol: Protocol
    targets: frozenset[TargetKind]


#: The way behind each door. A new door is one row here, and its shell in the gateway.
WAYS: dict[Door, Way] = {
    Door.BROWSER_VIEW: Way(Protocol.RDP, frozenset({TargetKind.DESKTOP})),
}
