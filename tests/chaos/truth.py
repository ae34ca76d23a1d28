"""The invariants at rest: rows, node, desktops and machine are consistent."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
from sqlalchemy import func, select

from tests.chaos.world import TEMPLATE, World
from webapp.domain.nodes.mark import Mark, parse_mark
from webapp.domain.states import State
from webapp.models import AddressReservation, AuditEntry, CloneSlot, Desktop, VmidReservation
from webapp.services.desktops.lifetime import CLOSE_ENOUGH

#: At rest, a desktop has a running container, or a stopped one as long as it is paused, or none and
#: no reservations.
RUNNING = (State.READY, State.WARM)
QUIET = (*RUNNING, State.PAUSED, State.ENDED)


def leaks(world: World) -> list[str]:
    """Return all violations as text; empty if nothing leaked.

    Call this only while no worker runs and after the last one has completed a round.
    """
    with world.services.db.read() as session:
        desktops = list(session.scalars(select(Desktop)))
    return [
        *_of_rows(desktops),
        *_of_reservations(world, desktops),
        *_of_containers(world, desktops),
        *_of_guests(world, desktops),
        *_of_audit(world, desktops),
        *_of_clones(world),
        *_of_machine(world),
        *(f"a defect in a worker: {line[-400:]}" for line in world.broken_jobs()),
    ]


def _of_rows(desktops: list[Desktop]) -> Iterator[str]:
    for one in desktops:
        about = f"{one.public_id} ({one.state})"
        if one.state not in QUIET:
            yield f"{about} is not at rest: {one.failure or ''}"
        if one.worked_by or one.worked_until:
            yield f"{about} is still held by {one.worked_by}"
        if one.state == State.ENDED and not (one.end_reason and one.ended_at):
            yield f"{about} has no reason or time of its end"
        if one.state == State.ENDED and one.end_reason == "failed" and not one.failure:
            yield f"{about} failed without a word"
        if one.state == State.ENDED and one.password_locked:
            yield f"{about} keeps its password"
        if one.state == State.READY and (one.owner_id is None or one.deadline_at is None):
            yield f"{about} has no owner or deadline"
        if one.state == State.WARM and one.owner_id is not None:
            yield f"{about} is in the pool and owned"
        yield from _of_pause(one, about)


def _of_pause(one: Desktop, about: str) -> Iterator[str]:
    is_kept = one.owner_id and one.paused_at and one.paused_until and one.password_locked
    if one.state == State.PAUSED and not is_kept:
        yield f"{about} has no owner, password, or time of its pause"
    if one.state == State.READY and (one.paused_at or one.paused_until):
        yield f"{about} runs and its time stands still"


def _of_reservations(world: World, desktops: list[Desktop]) -> Iterator[str]:
    with world.services.db.read() as session:
        vmids = {row.desktop_id: row.vmid for row in session.scalars(select(VmidReservation))}
        rows = session.scalars(select(AddressReservation))
        addresses = {row.desktop_id: row.address for row in rows}
    living = {one.id: one for one in desktops if one.state != State.ENDED}
    yield from _differences("VM ids", {key: one.vmid for key, one in living.items()}, vmids)
    yield from _differences(
        "addresses", {key: one.address for key, one in living.items()}, addresses
    )


def _of_containers(world: World, desktops: list[Desktop]) -> Iterator[str]:
    client = world.node.client()
    there = {}
    for row in client.get("/nodes/lab/lxc").data:
        config = client.get(f"/nodes/lab/lxc/{row['vmid']}/config").data
        if int(row["vmid"]) != TEMPLATE:
            there[int(row["vmid"])] = (parse_mark(config.get("description")), row["status"])
        if "lock" in config:
            yield f"container {row['vmid']} is locked ({config['lock']})"
    wanted = {
        one.vmid: (
            Mark(world.portal_id, one.public_id),
            "running" if one.state in RUNNING else "stopped",
        )
        for one in desktops
        if one.state in (*RUNNING, State.PAUSED)
    }
    yield from _differences("containers", wanted, there)
    members = client.get("/pools/winux").data["members"]
    in_pool = {int(row["vmid"]) for row in members if row["type"] == "lxc"} - {TEMPLATE}
    if in_pool != set(there):
        yield f"the pool has {sorted(in_pool)}, the node {sorted(there)}"
    files = {int(file.stem) for file in (world.node.state_dir / "memory").glob("*.json")}
    if files - {TEMPLATE} != set(there):
        yield f"the node's disk has {sorted(files)}, its list {sorted(there)}"


def _of_guests(world: World, desktops: list[Desktop]) -> Iterator[str]:
    """Check that the password on a person's page is the valid one for exactly that desktop."""
    known = {
        int(file.stem): json.loads(file.read_text())
        for file in (world.folder / "guests").glob("*.json")
    }
    for one in desktops:
        if one.state not in RUNNING:
            continue
        guest = known.get(one.vmid or 0)
        if guest is None:
            yield f"{one.public_id} does not answer"
            continue
        password = world.services.vault.unlock(one.password_locked or b"")
        if (guest["username"], guest["password"]) != (one.rdp_username, password):
            yield f"{one.public_id} has another user or password than its page says"
        if one.state == State.READY and _is_deadline_off(one, guest["deadline_epoch"]):
            yield f"{one.public_id} has another deadline than its page says"
        if guest["keyboard_layout"] != one.keyboard_layout:
            yield f"{one.public_id} has another keyboard than its page says"
    doubles = Counter(one.vmid for one in desktops if one.state in RUNNING)
    yield from (f"container {vmid} has {n} desktops" for vmid, n in doubles.items() if n > 1)


def _is_deadline_off(desktop: Desktop, epoch: int) -> bool:
    wanted = desktop.deadline_at.timestamp() if desktop.deadline_at else 0
    return abs(wanted - epoch) > CLOSE_ENOUGH.total_seconds() + 1


def _of_audit(world: World, desktops: list[Desktop]) -> Iterator[str]:
    """Check that each end has exactly one audit entry."""
    with world.services.db.read() as session:
        ended = dict(
            session.execute(
                select(AuditEntry.subject, func.count())
                .where(AuditEntry.action == "desktop.end")
                .group_by(AuditEntry.subject)
            ).all()
        )
    yield from _differences(
        "ends in the audit log", {d.public_id: 1 for d in desktops if d.state == State.ENDED}, ended
    )


def _of_clones(world: World) -> Iterator[str]:
    """Check that no clone slot is held: it counts only while its holder works on the desktop."""
    with world.services.db.read() as session:
        held = select(CloneSlot.source_vmid).join(Desktop, Desktop.id == CloneSlot.desktop_id)
        for vmid in session.scalars(held.where(Desktop.worked_by == CloneSlot.holder)):
            yield f"the right to clone {vmid} is still held"


def _of_machine(world: World) -> Iterator[str]:
    """Check for run folders, secret files, temporary folders and processes of runs."""
    places = [
        *Path(world.environment["WINUX_RUN_DIR"]).glob("*"),
        *Path("/dev/shm").glob(f"winux-{world.portal_id}-*"),
        *(world.folder / "tmp").glob("winux-guest-*"),
    ]
    yield from (f"{place} was left" for place in places)
    marker = f"winux-{world.portal_id}-"
    for process in psutil.process_iter():
        try:
            run = process.environ().get("WINUX_RUN", "")
        except psutil.Error:
            continue
        if run.startswith(marker):
            yield f"process {process.pid} of the run {run} was left"


def _differences(what: str, wanted: object, there: object) -> Iterator[str]:
    if wanted != there:
        yield f"{what} should be {wanted}, and are {there}"
