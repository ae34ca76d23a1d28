"""How browsers learn why a connection ended: RDCleanPath status, close code and reason word."""

from dataclasses import dataclass

from webapp.domain.connections.rules import ConnectionEnd

NORMAL, GOING_AWAY = 1000, 1001


@dataclass(frozen=True)
class Closing:
    """`http_status` is for refusals before the relay runs."""

    code: int
    word: str
    http_status: int = 500


CLOSINGS: dict[ConnectionEnd, Closing] = {
    ConnectionEnd.LEFT: Closing(NORMAL, "left"),
    ConnectionEnd.LOGGED_OUT: Closing(NORMAL, "logged_out"),
    ConnectionEnd.RESTART: Closing(GOING_AWAY, "gateway_restart", 503),
    ConnectionEnd.BAD_REQUEST: Closing(4400, "bad_request", 400),
    ConnectionEnd.TICKET: Closing(4401, "ticket", 401),
    ConnectionEnd.SLOW: Closing(4408, "slow", 408),
    ConnectionEnd.NOT_READY: Closing(4409, "not_ready", 409),
    ConnectionEnd.DESKTOP_ENDED: Closing(4410, "ended", 410),
    ConnectionEnd.CUT: Closing(4411, "cut", 403),
    ConnectionEnd.TAKEN_OVER: Closing(4412, "taken_over", 409),
    ConnectionEnd.SUSPENDED: Closing(4413, "suspended", 403),
    ConnectionEnd.PAUSED: Closing(4414, "paused", 409),
    ConnectionEnd.OVERUSE: Closing(4420, "overuse", 429),
    ConnectionEnd.CERTIFICATE: Closing(4423, "certificate", 502),
    ConnectionEnd.TOO_MANY: Closing(4429, "too_many", 429),
    ConnectionEnd.UNREACHABLE: Closing(4502, "unreachable", 502),
    ConnectionEnd.FULL: Closing(4503, "full", 503),
    ConnectionEnd.SILENT: Closing(4504, "silent", 504),
}
"""Every end that a gateway can report; a test compares this with docs/admin/gateway.md."""
