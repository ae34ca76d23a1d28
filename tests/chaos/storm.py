"""A storm: people act amid disturbances for minutes; then all comes to rest and is checked."""

import contextlib
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import func, or_, select

from tests.chaos.mischief import Mischief
from tests.chaos.people import Memory, Person
from tests.chaos.quick import KINDS
from tests.chaos.systematic import play
from tests.chaos.truth import QUIET, leaks
from tests.chaos.world import World, wait_until
from webapp.domain.states import EndReason
from webapp.models import Desktop

#: The maximum seconds for workers to come to rest, and the clock shift between their rounds.
SETTLE_S = 240.0
ASIDE_S = 120.0


@dataclass(frozen=True)
class Weather:
    """The intensity of a storm."""

    seed: str
    minutes: float
    people: int = 8
    pause_s: float = 1.0
    """Mean seconds between two acts of a person."""
    mischief_s: float = 2.0
    """Mean seconds between two disturbances."""
    workers: int = 2
    share: float = 1.0
    """The fraction of the work that real playbooks do."""
    pool: int = 6
    """The largest pool that an admin sets meanwhile."""
    desktops: int = 0
    """The minimum number of built desktops; the storm continues until then."""


@dataclass
class Reckoning:
    """The statistics of a storm, and the errors found after it."""

    seconds: float = 0
    desktops: int = 0
    built: int = 0
    """The number of desktops that ran; the others were stopped or failed before."""
    claimed: int = 0
    """The number of desktops that were taken from the pool."""
    states: Counter[str] = field(default_factory=Counter)
    acts: dict[str, int] = field(default_factory=dict)
    mischief: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    """Started builds and removals, by real playbooks (`played`) or only their actions."""
    wrong: list[str] = field(default_factory=list)


def storm(world: World, weather: Weather) -> Reckoning:
    """Run the storm; the result has all errors."""
    began = time.monotonic()
    memory, home = Memory(), threading.Event()
    options = ["--share", str(weather.share)]
    mischief = Mischief(
        world,
        f"{weather.seed}/mischief",
        weather.mischief_s,
        weather.workers,
        options,
        weather.pool,
    )
    world.set_pool(weather.pool // 2)
    wait_until(world.is_web_up, "the web server is up")
    names = [f"person{n}" for n in range(1, weather.people + 1)]
    people = [
        Person(world, name, f"{weather.seed}/{name}", memory, weather.pause_s, home)
        for name in names
    ]
    for thread in (*people, mischief):
        thread.start()
    _blow(world, weather, began)
    mischief.end()
    home.set()
    for person in people:
        person.join(60)
    _end(mischief.web)
    for worker in mischief.workers:
        _end(worker)
    reckoning = Reckoning(time.monotonic() - began, mischief=mischief.done, acts=memory.acts)
    reckoning.wrong += _come_to_rest(world)
    reckoning.wrong += leaks(world) + _of_people(world, memory)
    reckoning.wrong += [f"after all was stopped: {one}" for one in _stop_all(world)]
    _count(world, memory, reckoning)
    return reckoning


def _blow(world: World, weather: Weather, began: float) -> None:
    until = began + 60 * weather.minutes
    while time.monotonic() < until or _built(world) < weather.desktops:
        time.sleep(1)


def _built(world: World) -> int:
    was_built = or_(Desktop.ready_at.is_not(None), Desktop.warmed_at.is_not(None))
    with world.services.db.read() as session:
        return session.scalar(select(func.count()).where(was_built)) or 0


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(70)
    process.kill()
    process.wait()


def _come_to_rest(world: World) -> list[str]:
    """Run rounds without disturbances until no state changes; the last round is a check."""
    give_up = time.monotonic() + SETTLE_S
    world.clock.set(max(world.clock.offset, 0))
    while time.monotonic() < give_up:
        went_well = play(world)
        moving = _moving(world)
        if not moving:
            return [] if went_well or play(world) else ["the last quiet round did not go well"]
        world.clock.shift(ASIDE_S)
    return [f"not at rest after {SETTLE_S:.0f} s: {moving}"]


def _moving(world: World) -> list[str]:
    with world.services.db.read() as session:
        rows = session.execute(
            select(Desktop.public_id, Desktop.state, Desktop.failure).where(
                Desktop.state.not_in(QUIET)
            )
        ).all()
    return [f"{row.public_id} {row.state} {row.failure or ''}" for row in rows]


def _of_people(world: World, memory: Memory) -> list[str]:
    """Check that every launch led to a desktop or to a refusal with a text."""
    with world.services.db.read() as session:
        rows = {one.public_id: one for one in session.scalars(select(Desktop))}
    tokens = {one.launch_token for one in rows.values()}
    wrong = list(memory.broken)
    for public_id in memory.launched.values():
        one = rows.get(public_id)
        if one is None:
            wrong.append(f"{public_id} was promised and there is no such desktop")
        elif one.ready_at is None and not (one.end_reason and _is_told(one)):
            wrong.append(f"{public_id} became nothing: {one.state}, {one.end_reason}")
    wrong += [
        f"a refusal says nothing: {words!r}" for words in memory.refused.values() if not words
    ]
    wrong += [
        f"a launch was refused and happened all the same: {token}"
        for token in tokens & (memory.refused.keys() | memory.not_done)
    ]
    known = set(memory.launched.values())
    wrong += [
        f"{one.public_id} was made for {one.owner_id} who was never told"
        for one in rows.values()
        if one.owner_id and one.public_id not in known
    ]
    return wrong


def _is_told(one: Desktop) -> bool:
    return one.end_reason != EndReason.FAILED or bool(one.failure)


def _stop_all(world: World) -> list[str]:
    world.set_pool(0)
    with world.services.db.read() as session:
        living = [one.public_id for one in session.scalars(select(Desktop)) if one.ended_at is None]
    for public_id in living:
        world.services.lifetime.stop(world.root, public_id)
    return _come_to_rest(world) + leaks(world)


def _count(world: World, memory: Memory, reckoning: Reckoning) -> None:
    with world.services.db.read() as session:
        rows = list(session.scalars(select(Desktop)))
    reckoning.desktops = len(rows)
    reckoning.built = _built(world)
    reckoning.claimed = sum(bool(one.warmed_at and one.launched_at) for one in rows)
    reckoning.states = Counter(f"{one.state} {one.end_reason or ''}".strip() for one in rows)
    reckoning.runs = Counter({kind: world.counted(f"chaos: {kind}") for kind in KINDS})
    reckoning.answers = Counter(
        launched=len(memory.launched), refused=len(memory.refused), not_done=len(memory.not_done)
    )
