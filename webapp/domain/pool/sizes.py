"""How many desktops a pool keeps warm, and which must be built or drained for that.

The size follows from the template's numbers, the launches of the last hour and the schedules; the
steps follow from the size and the existing desktops. Pure: values and a time in, values out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from webapp.domain.errors import BadInput
from webapp.domain.states import State

#: The maximum size of a pool: each desktop in it takes memory.
LARGEST = 1000
#: How long a burst of launches counts; the pool stays ready for another one.
REMEMBERED = timedelta(hours=1)
#: Launches this close together must be served from the pool, because it cannot refill in between.
STRETCH = timedelta(minutes=5)
#: The wait after a failed pool build, doubled with each failure in a row.
FIRST_COOL_DOWN = timedelta(seconds=30)
LONGEST_COOL_DOWN = timedelta(minutes=15)


class Why(StrEnum):
    """The cause of a pool's size; the texts are shown to administrators."""

    OFF = "This template keeps no pool."
    NOT_OFFERED = "The template is not offered."
    TARGET = "The target."
    QUIET = "None was launched in the last hour, so the minimum is kept."
    DEMAND = "This number was launched within a few minutes in the last hour."
    SCHEDULE = "A schedule requires them."
    MAXIMUM = "More are wanted, but this is the maximum."
    NO_ROOM = "More are wanted, but the remaining room is kept for people."


class Drain(StrEnum):
    """Why a pool desktop is removed; the texts are kept in the audit log."""

    OLD_VERSION = "made of an older version of the template"
    TOO_OLD = "too old"
    SMALLER = "the pool is smaller now"
    ASKED = "drained by an administrator"


@dataclass(frozen=True)
class PoolNumbers:
    """The pool settings of a template."""

    minimum: int = 0
    target: int = 0
    maximum: int = 0
    follows_demand: bool = False
    longest_age: timedelta = timedelta(hours=12)


@dataclass(frozen=True)
class Size:
    """How many desktops a pool should have now, and why."""

    desktops: int
    why: Why


@dataclass(frozen=True)
class PoolDesktop:
    """A desktop without an owner: queued, being built, or warm."""

    public_id: str
    state: State
    since: datetime
    """When it became warm; before that, when its build was requested."""
    is_current: bool = True
    """Built from the template's current version."""

    @property
    def is_warm(self) -> bool:
        return self.state is State.WARM


@dataclass(frozen=True)
class Steps:
    """The actions for a pool: how many builds to begin, and which desktops to drain and why."""

    build: int = 0
    drain: dict[str, Drain] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.build or self.drain)


# -- how large ----------------------------------------------------------------------------------


def check_numbers(numbers: PoolNumbers) -> None:
    """Raises BadInput for numbers that contradict each other."""
    named = (
        ("pool_min", numbers.minimum),
        ("pool_target", numbers.target),
        ("pool_max", numbers.maximum),
    )
    for name, value in named:
        if not 0 <= value <= LARGEST:
            raise BadInput(name, "number_range", lowest=0, highest=LARGEST)
    if not numbers.minimum <= numbers.target <= numbers.maximum:
        raise BadInput(
            "pool_target",
            "pool_order",
            minimum=numbers.minimum,
            target=numbers.target,
            maximum=numbers.maximum,
        )
    if numbers.longest_age < timedelta(minutes=5):
        raise BadInput("pool_max_age_minutes", "pool_age")


def busiest(launches: Iterable[datetime], now: datetime) -> int:
    """Returns the most launches within any `STRETCH` of the last hour: what the pool must serve."""
    times = sorted(at for at in launches if now - REMEMBERED <= at <= now)
    most = begin = 0
    for end, at in enumerate(times):
        while at - times[begin] > STRETCH:
            begin += 1
        most = max(most, end - begin + 1)
    return most


def decide_size(numbers: PoolNumbers, *, demand: int, scheduled: int) -> Size:
    """Returns the pool's size: the largest requested number, up to its maximum.

    `demand` is the result of `busiest` and counts for pools that follow demand; `scheduled` is what
    the schedules need now.
    """
    if numbers.maximum == 0:
        return Size(0, Why.OFF)
    size = _usual(numbers, demand)
    if scheduled > size.desktops:
        size = Size(scheduled, Why.SCHEDULE)
    if size.desktops > numbers.maximum:
        return Size(numbers.maximum, Why.MAXIMUM)
    return size


def _usual(numbers: PoolNumbers, demand: int) -> Size:
    """Returns the size before schedules and limits."""
    if not numbers.follows_demand or 0 < demand <= numbers.target:
        return Size(numbers.target, Why.TARGET)
    if demand:
        return Size(demand, Why.DEMAND)
    return Size(numbers.minimum, Why.QUIET)


def decide_room(
    *, places: int, others: int, pooled: int, begun: int, fits: int | None, ahead: int
) -> int:
    """Returns how many desktops all pools together may hold.

    Places: of the site's `places`, `others` are taken, and a tenth (at least one) is left for
    people. Memory: `fits` more desktops fit besides the `begun` pool desktops, less one for each of
    the `ahead` waiting people and one spare. Memory alone shrinks the `pooled` desktops only if
    people wait for it, because its readings are late and vary.
    """
    by_places = places - others - max(1, places // 10)
    if fits is None:
        return by_places
    by_memory = begun + fits - ahead - 1
    return min(by_places, by_memory if ahead else max(by_memory, pooled))


def share_room(
    sizes: Mapping[int, Size], minimums: Mapping[int, int], room: int
) -> dict[int, Size]:
    """Fits all pools into `room`: the pool with the most above its minimum is reduced first."""
    wanted = {key: size.desktops for key, size in sizes.items()}
    while sum(wanted.values()) > max(room, 0):
        above = {key: count - minimums[key] for key, count in wanted.items() if count}
        most = max(above, key=lambda key: (above[key], wanted[key]))
        wanted[most] -= 1
    return {
        key: size if wanted[key] == size.desktops else Size(wanted[key], Why.NO_ROOM)
        for key, size in sizes.items()
    }


# -- what to do ---------------------------------------------------------------------------------


def decide_steps(
    desktops: Sequence[PoolDesktop], size: int, longest_age: timedelta, now: datetime, free: int
) -> Steps:
    """Returns the actions that bring a pool to `size`; `free` is the number of builds allowed now.

    Desktops of an older template version are drained at once. Those that are too old are replaced
    before they are drained, so that the pool does not become empty; the pool then exceeds `size` by
    a few desktops for a short time.
    """
    stale = [one for one in desktops if one.is_warm and not one.is_current]
    warm = sorted(
        (one for one in desktops if one.is_warm and one.is_current), key=lambda one: one.since
    )
    making = [one for one in desktops if not one.is_warm]
    fresh = sum(now - one.since < longest_age for one in warm)
    missing = size - fresh - len(making)
    overlap = size + max(1, size // 4) - len(warm) - len(making)
    drain = dict.fromkeys((one.public_id for one in stale), Drain.OLD_VERSION)
    for one in warm[: max(0, len(warm) - size)]:
        is_old = now - one.since >= longest_age
        drain[one.public_id] = Drain.TOO_OLD if is_old else Drain.SMALLER
    for one in _last_to_be_made(making)[: max(0, -missing)]:
        drain[one.public_id] = Drain.SMALLER
    return Steps(max(0, min(missing, overlap, free)) if size else 0, drain)


def _last_to_be_made(making: Sequence[PoolDesktop]) -> list[PoolDesktop]:
    """Sorts those furthest from being warm first: queued before begun, newest first."""
    return sorted(
        making, key=lambda one: (one.state is State.QUEUED, one.since, one.public_id), reverse=True
    )


def cool_down_until(failures: Sequence[datetime]) -> datetime | None:
    """Returns until when no pool build begins after these failures in a row."""
    if not failures:
        return None
    doubled = FIRST_COOL_DOWN * (1 << min(len(failures) - 1, 10))
    return max(failures) + min(doubled, LONGEST_COOL_DOWN)
