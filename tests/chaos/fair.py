"""One greedy person beside nine others, with real workers: the order in which builds begin.

The node, the database and the worker process are real. The test checks the order, not seconds:
between another person's click and the beginning of their build, at most one build of the greedy
person may begin. The greedy person therefore delays the others by at most one launch.
"""

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from tests.chaos.world import World, fresh
from webapp.domain.states import State
from webapp.models import Desktop
from webapp.services.desktops.launch import LaunchRequest

SETTINGS = {
    "WINUX_MAX_DESKTOPS": "12",
    "WINUX_WORKER_SLOTS": "2",
    "WINUX_LAUNCH_BURST": "99",
}
GREED = 12
PATIENCE_S = 300.0


def try_fairness(folder: Path) -> list[str]:
    """Return the violations of fairness; empty if there are none."""
    world = World(fresh(folder), number=90, people=10, **SETTINGS)
    worker = world.start_worker("--share", "0")
    try:
        greedy, *honest = world.people
        for _ in range(GREED):
            world.services.launcher.launch(greedy, LaunchRequest())
        _wait(lambda: any(_begun(world, greedy.person_id)), "no build begins")
        asked = [world.services.launcher.launch(one, LaunchRequest()) for one in honest]
        _wait(lambda: all(_is_ready(world, one) for one in asked), "honest people get no desktop")
        return _unfair(world, greedy.person_id, asked)
    finally:
        worker.kill()
        worker.wait()
        world.end()


def _unfair(world: World, greedy: int | None, asked: list[str]) -> list[str]:
    wrong = []
    starts = _begun(world, greedy)
    for public_id in asked:
        row = _row(world, public_id)
        began = row.build_started_at
        assert began
        before = [at for at in starts if row.created_at < at < began]
        if len(before) > 1:
            wrong.append(f"{len(before)} builds of the greedy person came before {public_id}")
    if len(starts) < 1 or len(starts) == GREED:
        wrong.append(
            f"{len(starts)} of {GREED} builds of the greedy person began: nothing was tried"
        )
    return wrong


def _begun(world: World, person_id: int | None) -> list[datetime]:
    with world.services.db.read() as session:
        query = select(Desktop.build_started_at).where(Desktop.owner_id == person_id)
        return [at for at in session.scalars(query) if at]


def _row(world: World, public_id: str) -> Desktop:
    with world.services.db.read() as session:
        return session.scalars(select(Desktop).where(Desktop.public_id == public_id)).one()


def _is_ready(world: World, public_id: str) -> bool:
    return _row(world, public_id).state is State.READY


def _wait(is_so: Callable[[], bool], why: str) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < give_up, why
        time.sleep(0.05)
