"""Connection rules: when one must end, how many there may be, when a desktop is idle."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, ip_address

from webapp.domain.errors import Refused
from webapp.domain.nodes.addresses import AddressPool
from webapp.domain.states import AT_REST, EndReason, State

#: How long a ticket may be redeemed.
TICKET_LIFE = timedelta(seconds=30)
#: The maximum number of unredeemed tickets of one person; more indicate a defect or an attack.
MOST_TICKETS = 20
#: A gateway writes its connections at least this often; rows older than `LOST_AFTER` are closed.
BEAT = timedelta(seconds=5)
LOST_AFTER = timedelta(seconds=30)
#: The warning comes this long before the idle limit ends a desktop.
IDLE_WARNING = timedelta(minutes=2)
#: A page that reloads reports its closing first, so its desktop ends only after this time.
CLOSE_GRACE = timedelta(seconds=20)


class ConnectionEnd(StrEnum):
    """Why a connection ended, or was refused."""

    LEFT = "left"
    LOGGED_OUT = "logged out"
    DESKTOP_ENDED = "desktop ended"
    PAUSED = "paused"
    CUT = "cut"
    TAKEN_OVER = "taken over"
    SUSPENDED = "suspended"
    RESTART = "gateway restart"
    LOST = "lost"
    SILENT = "silent"
    SLOW = "slow"
    BAD_REQUEST = "bad request"
    TICKET = "ticket"
    NOT_READY = "not ready"
    CERTIFICATE = "certificate"
    UNREACHABLE = "unreachable"
    TOO_MANY = "too many"
    OVERUSE = "overuse"
    FULL = "full"


#: The same for display to people.
END_WORDS: dict[ConnectionEnd, str] = {
    ConnectionEnd.LEFT: "Closed by the browser",
    ConnectionEnd.LOGGED_OUT: "Logged out of the desktop",
    ConnectionEnd.DESKTOP_ENDED: "The desktop ended",
    ConnectionEnd.PAUSED: "The desktop was paused",
    ConnectionEnd.CUT: "Cut by an administrator or the owner",
    ConnectionEnd.TAKEN_OVER: "Opened in another window",
    ConnectionEnd.SUSPENDED: "Signed out or suspended",
    ConnectionEnd.RESTART: "The gateway was restarted",
    ConnectionEnd.LOST: "The gateway stopped unexpectedly",
    ConnectionEnd.SILENT: "One side stopped responding",
    ConnectionEnd.SLOW: "The handshake timed out",
    ConnectionEnd.BAD_REQUEST: "Invalid RDP data",
    ConnectionEnd.TICKET: "Invalid ticket",
    ConnectionEnd.NOT_READY: "The desktop was not ready",
    ConnectionEnd.CERTIFICATE: "The desktop presented an unknown certificate",
    ConnectionEnd.UNREACHABLE: "The desktop did not respond",
    ConnectionEnd.TOO_MANY: "Too many connections",
    ConnectionEnd.OVERUSE: "The connection used too much processor time for too long",
    ConnectionEnd.FULL: "The gateway was full",
}


@dataclass(frozen=True)
class Ending:
    """Why a connection must end; `detail` is the target's end reason, if there is one."""

    why: ConnectionEnd
    detail: str = ""


@dataclass(frozen=True)
class Standing:
    """The database's state of a connection and of everything that it depends on."""

    is_person_suspended: bool
    is_sign_in_over: bool
    target_ending: Ending | None
    """Why its target cannot be used any more, as `desktop_ending` returns it."""
    cut_as: ConnectionEnd | None
    """Asked for by an administrator, the owner, or a newer connection."""


def decide_ending(standing: Standing) -> Ending | None:
    """Returns why a connection must end, or None. The strongest reason comes first."""
    if standing.is_person_suspended or standing.is_sign_in_over:
        return Ending(ConnectionEnd.SUSPENDED)
    if standing.target_ending:
        return standing.target_ending
    return Ending(standing.cut_as) if standing.cut_as else None


def desktop_ending(
    state: State, end_reason: EndReason | None, deadline_at: datetime | None, now: datetime
) -> Ending | None:
    """Returns why connections to a desktop must end, or None while it can be used."""
    if state in AT_REST:
        return Ending(ConnectionEnd.PAUSED)
    if state != State.READY:
        return Ending(ConnectionEnd.DESKTOP_ENDED, end_reason or EndReason.LOST)
    if deadline_at and deadline_at <= now:
        return Ending(ConnectionEnd.DESKTOP_ENDED, EndReason.EXPIRED)
    return None


def decide_address(address: str | None, pool: AddressPool, forbidden: frozenset[str]) -> str:
    """Returns the address to connect to, checked again right before the connection.

    Raises Refused for any address outside the desktops' pool, and for loopback and link-local
    addresses, the pool's router and the Proxmox API, even if the configured pool contains them.
    """
    try:
        target = ip_address(address or "")
    except ValueError:
        target = None
    if (
        not isinstance(target, IPv4Address)
        or target.is_loopback
        or target.is_link_local
        or target.is_multicast
        or target.is_unspecified
        or target == pool.router
        or str(target) in forbidden
        or not pool.first <= target <= pool.last
    ):
        raise Refused("address.not_of_desktops")
    return str(target)


def idle_ends_at(
    limit_minutes: int, ready_at: datetime, last_input_at: datetime | None
) -> datetime | None:
    """Returns when a desktop ends for lack of input; None if it has no idle limit."""
    if not limit_minutes:
        return None
    return max(ready_at, last_input_at or ready_at) + timedelta(minutes=limit_minutes)


def must_ask_desktop(ends_at: datetime | None, asked_at: datetime | None, now: datetime) -> bool:
    """Whether to ask the desktop itself for its last input before acting on the idle limit.

    RDP programs can connect without the gateway, so their input is only known to the desktop. It is
    asked before the warning and again before the end.
    """
    if ends_at is None or not is_idle_soon(ends_at, now):
        return False
    due_at = ends_at if now >= ends_at else ends_at - IDLE_WARNING
    return asked_at is None or asked_at < due_at


def is_idle_soon(ends_at: datetime | None, now: datetime) -> bool:
    """Whether the warning is due."""
    return ends_at is not None and now >= ends_at - IDLE_WARNING
