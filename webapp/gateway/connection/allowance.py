"""How much of the gateway's processor one person's connections may use.

A busy desktop needs about one hundredth of a core. Who uses far more is slowed down to a share,
whatever the reason; who goes on for long is cut, because only an attack does.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What each person has."""

    share: float = 0.15
    """Of one core, over time."""
    burst_seconds: float = 0.5
    """Processor time that may be used at once after a rest."""
    patience_seconds: float = 60.0
    """A person who is slowed for so long without a break loses the connection that uses most."""

    @property
    def greedy(self) -> float:
        """The part of a core of a connection that is to blame."""
        return self.share / 3


USUAL = Limits()


class Allowance:
    """A bucket that fills with the time; `now` is that of a monotonic clock."""

    def __init__(self, now: float, limits: Limits = USUAL) -> None:
        self._limits = limits
        self._balance = limits.burst_seconds
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
        return -self._balance / self._limits.share

    def is_abused(self, now: float) -> bool:
        """Whether patience is over."""
        self._fill(now)
        return (
            self._slowed_since is not None
            and now - self._slowed_since >= self._limits.patience_seconds
        )

    def is_unused(self, now: float) -> bool:
        """Whether it is as good as a new one."""
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
    """Those of all people, by their ids: whoever comes back finds what was left."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._by_person: dict[int, Allowance] = {}

    def of(self, person_id: int, now: float) -> Allowance:
        """One of a person, whichever connection uses it up."""
        return self._by_person.setdefault(person_id, Allowance(now, self.limits))

    def abused(self, now: float) -> list[int]:
        """Whose patience is over."""
        return [one for one, allowance in self._by_person.items() if allowance.is_abused(now)]
