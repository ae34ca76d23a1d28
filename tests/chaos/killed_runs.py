"""Launches while processes of Ansible runs are killed at random, as on memory exhaustion.

No desktop may fail that another attempt would have saved.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import psutil
from sqlalchemy import select

from tests.chaos.mischief import run_of
from tests.chaos.world import World, kill
from webapp.domain.states import State
from webapp.models import Desktop
from webapp.services.audit.record import Actor
from webapp.services.desktops.launch import LaunchRequest

#: Concurrent launches.
AT_ONCE = 3
#: Kills for each launch; with more, no number of attempts would suffice.
KILLS_A_LAUNCH = 1.22
#: Maximum seconds of one launch, including all interruptions.
PATIENCE_S = 400.0


@dataclass
class Toll:
    """The numbers of launches and kills, and their results."""

    ends: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Killer(threading.Thread):
    """Kills a random process of a run at intervals: the runner, Ansible, a fork, ssh."""

    def __init__(self, seed: str, pause_s: float) -> None:
        super().__init__(name="killer", daemon=True)
        self._random = random.Random(seed)
        self._pause_s = pause_s
        self.kills = 0
        self.launches = 0
        self.is_over = threading.Event()

    def run(self) -> None:
        while not self.is_over.wait(self._random.expovariate(1 / self._pause_s)):
            pids = [one.pid for one in psutil.process_iter() if run_of(one)]
            if pids and self.kills < self.launches * KILLS_A_LAUNCH:
                kill(self._random.choice(pids))
                self.kills += 1


def kill_runs(world: World, launches: int, seed: str, pause_s: float) -> Toll:
    """Launch a number of desktops, a few at a time, and stop each when it is ready."""
    began = time.monotonic()
    worker, killer, toll = world.start_worker(), Killer(seed, pause_s), Toll()
    killer.start()
    under_way: dict[str, tuple[Actor, float]] = {}
    left = launches
    try:
        while left or under_way:
            for person in _free(world.people, under_way)[: AT_ONCE - len(under_way)]:
                if left:
                    public_id = world.services.launcher.launch(person, LaunchRequest())
                    under_way[public_id], left = (person, time.monotonic()), left - 1
                    killer.launches += 1
            _look(world, under_way, toll)
            time.sleep(0.1)
    finally:
        killer.is_over.set()
        killer.join()
        worker.terminate()
        worker.wait(70)
    toll.kills, toll.seconds = killer.kills, time.monotonic() - began
    return toll


def _free(people: Sequence[Actor], under_way: dict[str, tuple[Actor, float]]) -> list[Actor]:
    busy = {person.person_id for person, _at in under_way.values()}
    return [person for person in people if person.person_id not in busy]


def _look(world: World, under_way: dict[str, tuple[Actor, float]], toll: Toll) -> None:
    """Record ended desktops, and stop ready ones."""
    with world.services.db.read() as session:
        wanted = select(Desktop).where(Desktop.public_id.in_(under_way))
        rows = list(session.scalars(wanted))
    for row in rows:
        person, since = under_way[row.public_id]
        if row.ready_at:
            world.services.lifetime.stop(person, row.public_id)
            toll.ends["ready"] += 1
        elif row.failed_at or time.monotonic() - since > PATIENCE_S:
            toll.ends["failed"] += 1
            toll.failures.append(f"{row.public_id} {row.state}: {row.failure}")
            if row.state != State.STOPPING:
                world.services.lifetime.stop(person, row.public_id)
        else:
            continue
        del under_way[row.public_id]
