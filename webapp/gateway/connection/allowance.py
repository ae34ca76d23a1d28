"""Limits the processor time that one person's connections may use in the gateway.

A busy desktop needs about one hundredth of a core. A person who uses far more is throttled to a
share of a core, for whatever reason. A person who is throttled for long loses a connection,
because only an attack needs that much.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The limits of each person."""

    share: float = 0.15
    """Part of one core, on average."""
    burst_seconds: float = 0.5
    """Processor time that may be used at once after an idle period."""
    patience_seconds: float = 60.0
    """A person who is throttled this long without a break loses the connection that uses most."""

    @property
    def greedy(self) -> float:
        """The part of a core above which a connection counts as the cause of the overuse."""
        return self.share / 3


USUAL = Limits()


class Allowance:
    """A token bucket that refills over time; `now` is from a monotonic clock."""

    def __init__(self, now: float, limits: Limits = USUAL) -> None:
        self._limits = limits
        self._balance = limits.burst_seconds
        self._at = now
        self._slowed_since: float | None = None

    def spend(self, seconds: float, now: float) -> float:
        """Charge processor seconds; return the seconds to wait before using more."""
        self._fill(now)
        self._balance -= seconds
        if self._balance >= 0:
            return 0.0
        if self._slowed_since is None:
            self._slowed_since = now
        return -self._balance / self._limits.share

    def is_abused(self, now: float) -> bool:
        """Whether the person has been throttled for `patience_seconds`."""
        self._fill(now)
        return (
            self._slowed_since is not None
            and now - self._slowed_since >= self._limits.patience_seconds
        )

    def is_unused(self, now: float) -> bool:
        """Whether the bucket is full, as in a new allowance."""
        self._fill(now)
        return self._balance >= self._limits.burst_seconds

    def _fill(self, now: float) -> None:
        limits = self._limits
        earned = limits.share * (now - self._at)
        self._balance = min(limits.burst_seconds, self._balance + earned)
        self._at = now
        if self._balance >= limits.burst_seconds / 2:
            self._slowed_since = None


class Allowances:
    """The allowances by person id; reconnecting does not reset them."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._by_person: dict[int, Allowance] = {}

    def of(self, person_id: int, now: float) -> Allowance:
        """Return the allowance that all connections of a person share."""
        return self._by_person.setdefault(person_id, Allowance(now, self.limits))

    def abused(self, now: float) -> list[int]:
        """Return the ids of the people whose allowance `is_abused`."""
        return [one for one, allowance in self._by_person.items() if allowance.is_abused(now)]
