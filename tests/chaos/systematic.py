"""Every step in turn: a blow at the n-th commit, call or task, for n = 0, 1, 2 …

A *chapter* of a desktop's life (its build, its removal …) is repeated. Each time one *blow* (a kill
or fault) acts one place later, until it is beyond the end. After each blow a new worker runs one
round without disturbance; then `truth.leaks` must find nothing, the person must have a desktop or
an error message, and nothing may be left after the desktop has been stopped.
"""

import json
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import select

from tests.chaos.quick import QuickProvisioner
from tests.chaos.traps import CommitTrap, set_commit_trap
from tests.chaos.truth import leaks
from tests.chaos.world import PAUSE_MINUTES, World, kill
from tests.worker.life import launch, row
from webapp import bootstrap_worker
from webapp.bootstrap import Services
from webapp.domain.states import EndReason, State
from webapp.models import Desktop
from webapp.services.desktops.launch import LaunchRequest
from webapp.worker.loop import Worker, worker_name

#: Maximum seconds that a held request waits for the blow.
HOLD_S = 5.0
PASS_S = 120.0
#: The clock shift in seconds between two cases: ends the pause of a template that failed thrice.
REST_S = 7200.0
#: The maximum number of places in a chapter; more is an error.
FURTHEST = 200
ASIDE_S = 10.0


# -- chapters --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chapter:
    """A part of a desktop's life: its preparation, its process, and its possible ends."""

    name: str
    begin: Callable[[World], str]
    """Leave work to do; return the argument that `find` needs to find the desktop."""
    ends: tuple[State, ...]
    find: Callable[[World, str], str] = lambda _world, public_id: public_id
    """Return the desktop's public id, called after the quiet round."""
    click: Callable[[World, Services, str], None] | None = None
    """The request of a person, if the web process does the work instead of the worker."""


def queued(world: World) -> str:
    return launch(world.services, world.people[0])


def ready(world: World) -> str:
    return played(world, queued(world), State.READY)


def stopped(world: World) -> str:
    public_id = ready(world)
    world.services.lifetime.stop(world.people[0], public_id)
    return public_id


def overdue(world: World) -> str:
    public_id = ready(world)
    world.clock.shift(31 * 60)
    return public_id


def extended(world: World) -> str:
    public_id = ready(world)
    world.services.lifetime.extend(world.people[0], public_id, 30)
    return public_id


def pausing(world: World) -> str:
    public_id = ready(world)
    world.services.pauses.pause(world.people[0], public_id)
    return public_id


def paused(world: World) -> str:
    return played(world, pausing(world), State.PAUSED)


def resuming(world: World) -> str:
    public_id = paused(world)
    world.services.pauses.resume(world.people[0], public_id)
    return public_id


def kept_too_long(world: World) -> str:
    public_id = paused(world)
    world.clock.shift(60 * PAUSE_MINUTES + 60)
    return public_id


def minds_changed(world: World) -> str:
    """Resume a desktop that is still about to be paused, as by two clicks in a row."""
    public_id = pausing(world)
    world.services.pauses.resume(world.people[0], public_id)
    return public_id


def wanted_for_pool(world: World) -> str:
    world.set_pool(1)
    return ""


def warm(world: World) -> str:
    world.set_pool(1)
    assert play(world)
    return played(world, newest(world), State.WARM)


def too_many(world: World) -> str:
    public_id = warm(world)
    world.set_pool(0)
    return public_id


def claimed(world: World) -> str:
    """Claim a desktop as it was built: the worker must send its deadline and refill the pool."""
    public_id = warm(world)
    assert launch(world.services, world.people[0]) == public_id
    return public_id


def assigned(world: World) -> str:
    """Claim with another user name and keyboard: the worker must set them in the desktop."""
    public_id = warm(world)
    wish = LaunchRequest(rdp_username="marie", keyboard_layout="fr")
    assert world.services.launcher.launch(world.people[0], wish) == public_id
    return public_id


def unclicked(_world: World) -> str:
    return secrets.token_hex(8)


def unclicked_with_pool(world: World) -> str:
    warm(world)
    return secrets.token_hex(8)


def click_launch(world: World, services: Services, token: str) -> None:
    services.launcher.launch(world.people[0], LaunchRequest(launch_token=token))


def click_stop(world: World, services: Services, public_id: str) -> None:
    services.lifetime.stop(world.people[0], public_id)


def click_pause(world: World, services: Services, public_id: str) -> None:
    services.pauses.pause(world.people[0], public_id)


def click_resume(world: World, services: Services, public_id: str) -> None:
    services.pauses.resume(world.people[0], public_id)


def click_extend(world: World, services: Services, public_id: str) -> None:
    services.lifetime.extend(world.people[0], public_id, 10)


def launched_once(world: World, token: str) -> str:
    """Send the same form again, as a browser without a response does."""
    wish = LaunchRequest(launch_token=token)
    public_id = world.services.launcher.launch(world.people[0], wish)
    with world.services.db.read() as session:
        owned = list(session.scalars(select(Desktop).where(Desktop.launch_token == token)))
    assert [one.public_id for one in owned] == [public_id]
    return played(world, public_id, State.READY)


def stopped_again(world: World, public_id: str) -> str:
    world.services.lifetime.stop(world.people[0], public_id)
    return played(world, public_id, State.ENDED)


def paused_again(world: World, public_id: str) -> str:
    world.services.pauses.pause(world.people[0], public_id)
    return played(world, public_id, State.PAUSED)


def resumed_again(world: World, public_id: str) -> str:
    world.services.pauses.resume(world.people[0], public_id)
    return played(world, public_id, State.READY)


def played(world: World, public_id: str, state: State) -> str:
    assert play(world)
    assert row(world.services, public_id).state == state
    return public_id


def newest(world: World, _begun: str = "") -> str:
    with world.services.db.read() as session:
        query = select(Desktop.public_id).order_by(Desktop.id.desc()).limit(1)
        return session.scalars(query).one()


CHAPTERS = {
    one.name: one
    for one in (
        Chapter("build", queued, (State.READY,)),
        Chapter("stop", stopped, (State.ENDED,)),
        Chapter("expiry", overdue, (State.ENDED,)),
        Chapter("extension", extended, (State.READY,)),
        Chapter("pause", pausing, (State.PAUSED,)),
        Chapter("resume", resuming, (State.READY,)),
        Chapter("changed mind", minds_changed, (State.READY,)),
        Chapter("kept too long", kept_too_long, (State.ENDED,)),
        Chapter("pool", wanted_for_pool, (State.WARM,), newest),
        Chapter("drain", too_many, (State.ENDED,)),
        Chapter("claim", claimed, (State.READY,)),
        Chapter("assign", assigned, (State.READY,)),
        Chapter("click launch", unclicked, (State.READY,), launched_once, click_launch),
        Chapter("click claim", unclicked_with_pool, (State.READY,), launched_once, click_launch),
        Chapter("click stop", ready, (State.ENDED,), stopped_again, click_stop),
        Chapter("click pause", ready, (State.PAUSED,), paused_again, click_pause),
        Chapter("click resume", paused, (State.READY,), resumed_again, click_resume),
        Chapter("click extend", ready, (State.READY,), click=click_extend),
    )
}


# -- blows -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Blow:
    """A disturbance at one place: `kind` and number `at`."""

    kind: str
    at: int


#: Faults at a call to the node, besides the worker's death during it.
OF_CALLS: dict[str, dict[str, object]] = {
    "node dies at call": {"kind": "crash"},
    "node dies after call": {"kind": "late-crash"},
    "answer of call is lost": {"kind": "lost-answer"},
    "call is dropped": {"kind": "drop"},
    "call fails": {"kind": "error"},
    "call is not passed on": {"kind": "error", "status": 595},
    "call is answered by a proxy": {"kind": "html"},
    "call is refused": {"kind": "error", "status": 401},
}
#: Faults of a task that a call starts; `at` counts only such calls.
OF_TASKS: dict[str, dict[str, object]] = {
    "task fails": {"kind": "failed-task"},
    "task is forgotten": {"kind": "lost-task"},
}
STARTS_TASK = r"^(POST .*/(clone|start|stop|shutdown)$|DELETE .*/lxc/\d+)"
WORKER_AT_CALL = "worker dies at call"
WORKER_AT_GUEST = "worker dies at desktop"
COMMITS = {"worker dies before commit": True, "worker dies after commit": False}
#: The victims when a task of a real playbook begins, or its play ends.
PLAYBOOKS = {f"{who} dies at task": who for who in ("playbook", "runner", "worker")} | {
    "all die at task": "all"
}
ALL_KINDS = (*COMMITS, WORKER_AT_CALL, WORKER_AT_GUEST, *OF_CALLS, *OF_TASKS, *PLAYBOOKS)
#: Blows after which the result of the build is unknown: the next worker completes it.
KILLS = frozenset(
    {*COMMITS, WORKER_AT_CALL, WORKER_AT_GUEST, "worker dies at task", "all die at task"}
)


def strike(world: World, chapter: Chapter, begun: str, blow: Blow) -> bool:
    """Do the chapter's work with the blow in it; return whether the blow acted."""
    trap = CommitTrap(blow.at, COMMITS[blow.kind]) if blow.kind in COMMITS else None
    if blow.kind == WORKER_AT_CALL:
        world.fault({"kind": "slow", "skip": blow.at, "delay": HOLD_S})
    elif blow.kind == WORKER_AT_GUEST:
        world.hold.write_text(str(blow.at))
    elif blow.kind in OF_CALLS:
        world.fault({**OF_CALLS[blow.kind], "skip": blow.at})
    elif blow.kind in OF_TASKS:
        world.fault({**OF_TASKS[blow.kind], "skip": blow.at, "path": STARTS_TASK})
    elif blow.kind in PLAYBOOKS:
        world.trap.write_text(json.dumps({"at": blow.at, "victim": PLAYBOOKS[blow.kind]}))
    share = float(blow.kind in PLAYBOOKS)
    if chapter.click:
        pid = world.fork("web", lambda: click(world, chapter, begun, trap))
    else:
        pid = world.fork("worker", lambda: work(world, trap, share))
    fell = attend(world, pid, blow)
    if world.is_node_dead():
        world.revive_node()
    world.fault()
    world.trap.unlink(missing_ok=True)
    world.hold.unlink(missing_ok=True)
    return fell


def attend(world: World, pid: int, blow: Blow) -> bool:
    """Wait for the worker's end; kill it when its call is held, and restart a dead node."""
    give_up = time.monotonic() + PASS_S
    fell = False
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return fell or os.WIFSIGNALED(status) or _has_fallen(world, blow)
        assert time.monotonic() < give_up, "the worker hangs"
        fell |= world.revive_node()
        if blow.kind in (WORKER_AT_CALL, WORKER_AT_GUEST) and not fell and _has_fallen(world, blow):
            fell = True
            kill(pid)
        time.sleep(0.01)


def _has_fallen(world: World, blow: Blow) -> bool:
    if blow.kind in PLAYBOOKS:
        return not world.trap.exists()
    if blow.kind == WORKER_AT_GUEST:
        return world.hold.read_text() == "-1"
    return blow.kind not in COMMITS and not world.is_node_dead() and not world.faults()


def click(world: World, chapter: Chapter, begun: str, trap: CommitTrap | None) -> bool:
    """Send a person's request in this process."""
    services = world.reopen()
    if trap:
        set_commit_trap(services.db.engine, trap)
    if chapter.click:
        chapter.click(world, services, begun)
    return True


def work(world: World, trap: CommitTrap | None = None, share: float = 0.0) -> bool:
    """Run one round of a worker in this process."""
    services = world.reopen()
    if trap:
        set_commit_trap(services.db.engine, trap)
    provisioner = QuickProvisioner(services.config, share)
    worker = bootstrap_worker.build_worker_services(
        services, worker_name(), provisioner=provisioner
    )
    return Worker(worker).run_once()


def play(world: World) -> bool:
    """Run one undisturbed round of a new worker; return whether it reports success."""
    pid = world.fork("worker", lambda: work(world))
    _, status = os.waitpid(pid, 0)
    return status == 0


# -- cases -----------------------------------------------------------------------------------------


@dataclass
class Findings:
    """The errors, and the number of cases."""

    cases: int = 0
    wrong: list[str] = field(default_factory=list)


def suits(chapter: Chapter, kind: str) -> bool:
    """Whether such a blow can act in it: a person's request only writes to the database."""
    return chapter.click is None or kind in COMMITS


def enumerate_blows(world: World, chapter: Chapter, kind: str, first: int = 0) -> Findings:
    """Try blows of one kind at every place of a chapter, until one is beyond its end."""
    found = Findings()
    for at in range(first, first + FURTHEST):
        found.cases += 1
        fell, wrong = try_case(world, chapter, Blow(kind, at))
        found.wrong += [f"{chapter.name}: {kind} {at}: {one}" for one in wrong]
        if not fell:
            return found
    raise AssertionError(f"{chapter.name}: {kind}: there is no end of it")


def try_case(world: World, chapter: Chapter, blow: Blow) -> tuple[bool, list[str]]:
    """Try one case; return whether the blow acted, and all errors after it."""
    begun = chapter.begin(world)
    fell = strike(world, chapter, begun, blow)
    world.clock.shift(ASIDE_S)  # retries are due now
    wrong = [] if play(world) else ["the round after it did not go well"]
    wrong += leaks(world) + _story(world, chapter, blow, chapter.find(world, begun))
    wrong += _clear_up(world)
    return fell, wrong


def _story(world: World, chapter: Chapter, blow: Blow, public_id: str) -> list[str]:
    desktop = row(world.services, public_id)
    if desktop.state in chapter.ends:
        return []
    has_failed = desktop.state == State.ENDED and desktop.end_reason == EndReason.FAILED
    if has_failed and blow.kind not in KILLS:
        return []  # truth.leaks has checked that it has a reason
    return [f"it ended as {desktop.state}, {desktop.end_reason}: {desktop.failure}"]


def _clear_up(world: World) -> list[str]:
    """Stop running desktops; nothing may be left."""
    world.set_pool(0)
    with world.services.db.read() as session:
        left = [
            one.public_id
            for one in session.scalars(select(Desktop).where(Desktop.owner_id.is_not(None)))
            if one.state not in (State.STOPPING, State.ENDED)
        ]
    for public_id in left:
        world.services.lifetime.stop(world.root, public_id)
    for _ in range(5):
        play(world)
        world.clock.shift(600)
        if not world.node.client().get("/nodes/lab/lxc").data[1:]:
            break
    wrong = [f"after the stop: {one}" for one in leaks(world)]
    world.clock.shift(REST_S)
    return wrong
