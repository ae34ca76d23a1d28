"""How much of the gateway's processor one person's connections may use.

A busy desktop needs about one hundredth of a core. Who uses far more is slowed down to a share,
whatever the reason; who goes on for long is cut, because only an attack does.
"""

SHARE = 0.15
"""Of one core, over time."""
BURST_SECONDS = 0.5
"""Processor time that may be used at once after a rest."""
PATIENCE_SECONDS = 60.0
"""A person who is slowed for so long without a break loses the connection that uses most."""


class Allowance:
    """A bucket that fills with the time; `now` is that of a monotonic clock."""

    def __init__(self, now: float) -> None:
        self._balance = BURST_SECONDS
        self._at = now
        self._slowed_since: float | None = None

    def spend(self, seconds: float, now: float) -> float:
        """Use so much processor time; how long to rest before more is used."""
        self._fill(now)
        self._balance -= seconds
        if self._balance >= 0:
            return 0.0
        if self._slowed_since is None:
            self._slowed_since = now
        return -self._balance / SHARE

    def is_abused(self, now: float) -> bool:
        """Whether patience is over."""
        self._fill(now)
        return self._slowed_since is not None and now - self._slowed_since >= PATIENCE_SECONDS

    def is_unused(self, now: float) -> bool:
        """Whether it is as good as a new one."""
        self._fill(now)
        return self._balance >= BURST_SECONDS

    def _fill(self, now: float) -> None:
        self._balance = min(BURST_SECONDS, self._balance + SHARE * (now - self._at))
        self._at = now
        if self._balance >= BURST_SECONDS / 2:
            self._slowed_since = None
