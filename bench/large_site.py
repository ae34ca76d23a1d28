"""A site with thousands of running desktops, written in bulk.

Writes database rows and containers in the memory backend of a lab node, as the same number of
launches leaves them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Network
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from bench.many_desktops import STEP_TIMES_S
from labnode.memory import Container
from labnode.setup import POOL
from labnode.store import Store
from webapp.bootstrap import Services
from webapp.domain.connections.target import Door, Protocol, TargetKind
from webapp.domain.desktops.estimate import BUILD_STEPS
from webapp.domain.nodes.mark import Mark
from webapp.domain.states import EndReason, State
from webapp.models import (
    AddressReservation,
    AuditEntry,
    Base,
    Connection,
    Desktop,
    DesktopStep,
    Person,
    SignIn,
    Template,
    VmidReservation,
)

TEMPLATE_VMID = 29001
#: The number of ended desktops for each running one, and of desktops for each person.
HISTORY, DESKTOPS_EACH = 20, 2
#: The age of the oldest running desktop; the others were launched one after the other since.
AGE = timedelta(hours=2)
#: One in this many desktops is open in a browser.
CONNECTED = 2
#: The audit entries of a launch, a build, an expiry and an end.
ACTS = ("desktop.launch", "desktop.ready", "desktop.expire", "desktop.end")
#: Columns that only running or only ended desktops have.
NOT_IN_ALL = """end_reason password_locked failed_at failure stop_requested_at ended_at vmid node
    address deadline_told_at""".split()
ROWS_AT_ONCE = 5000


@dataclass(frozen=True)
class Place:
    """The container of a running desktop."""

    public_id: str
    vmid: int
    address: str


def make_places(running: int, network: IPv4Network, first_vmid: int) -> list[Place]:
    """Return `running` places with the lowest VM ids and addresses."""
    return [
        Place(f"desktop-{number:08x}", first_vmid + number, str(network[64 + number]))
        for number in range(running)
    ]


def fill_site(services: Services, owner: str, places: Sequence[Place]) -> None:
    """Insert running desktops, history and people; the first desktop belongs to `owner`."""
    now, running = services.clock.now(), len(places)
    with services.db.begin() as session:
        session.add(
            Template(name="xfce", title="XFCE", vmid=TEMPLATE_VMID, version="1", published_at=now)
        )
        first = session.scalars(select(Person.id).where(Person.name == owner)).one()
    people = _people(services, running // DESKTOPS_EACH, now)
    owners = [first, *people]
    desktops = [
        _running(place, owners[number % len(owners)], now - (number + 1) * AGE / running, services)
        for number, place in enumerate(places)
    ]
    ended = (
        _ended(number, owners[number % len(owners)], now) for number in range(running * HISTORY)
    )
    _insert(services, Desktop, [*desktops, *ended])
    _insert_what_follows(services, places, now)


def fill_node(state: Path, portal_id: str, bridge: str, places: Sequence[Place]) -> None:
    """Write the template and a running container for each place; the lab node must be stopped."""
    memory = state / "memory"
    memory.mkdir(parents=True)
    store = Store(state / "state.sqlite")
    guests = store.table("guest")
    guests.put(TEMPLATE_VMID, {"hostname": "xfce", "template": "1", **_size(TEMPLATE_VMID)})
    _write(memory, TEMPLATE_VMID, Container(template=True))
    for place in places:
        mac = ":".join(f"{octet:02x}" for octet in (0xBC, 0x24, *place.vmid.to_bytes(4)))
        config = {
            "hostname": place.public_id,
            "description": str(Mark(portal_id, place.public_id)),
            "net0": f"name=eth0,bridge={bridge},hwaddr={mac.upper()},ip={place.address}/16",
            **_size(place.vmid),
        }
        guests.put(place.vmid, config)
        running = Container(False, time.time() - 300, mac, f"{place.address}/16", 1024**3)
        _write(memory, place.vmid, running)
    members = [TEMPLATE_VMID, *(place.vmid for place in places)]
    store.table("pool").put(POOL, {"vms": members, "comment": ""})


def _size(vmid: int) -> dict[str, str]:
    return {
        "arch": "amd64",
        "ostype": "debian",
        "memory": "1024",
        "swap": "512",
        "cores": "2",
        "unprivileged": "1",
        "rootfs": f"local-lab:{vmid}/vm-{vmid}-disk-0.raw,size=10G",
    }


def _write(folder: Path, vmid: int, container: Container) -> None:
    (folder / f"{vmid}.json").write_text(json.dumps(asdict(container)))


def _people(services: Services, count: int, now: datetime) -> list[int]:
    # not a valid hash: these people never sign in
    rows = [
        {"name": f"person{number}", "password_hash": "-", "created_at": now}
        for number in range(count)
    ]
    _insert(services, Person, rows)
    with services.db.read() as session:
        ids = list(session.scalars(select(Person.id).where(Person.name.startswith("person"))))
    sign_ins = [
        {
            "token_hash": f"none-{person}",
            "person_id": person,
            "created_at": now,
            "seen_at": now,
            "source_address": "192.0.2.1",
            "user_agent": "Firefox",
        }
        for person in ids
    ]
    _insert(services, SignIn, sign_ins)
    return ids


def _running(place: Place, owner: int, launched: datetime, services: Services) -> dict[str, Any]:
    deadline = launched + 2 * AGE
    return _row(place.public_id, owner, launched) | {
        "state": State.READY,
        "state_at": launched + timedelta(seconds=STEP_TIMES_S[-1]),
        "password_locked": services.vault.lock("not a password"),
        "deadline_at": deadline,
        "deadline_told_at": deadline,
        "vmid": place.vmid,
        "node": "lab",
        "address": place.address,
    }


def _ended(number: int, owner: int, now: datetime) -> dict[str, Any]:
    launched = now - AGE - timedelta(hours=1, minutes=number)
    ended = launched + timedelta(minutes=30)
    has_failed = number % 50 == 0
    return _row(f"desktop-e{number:07x}", owner, launched) | {
        "state": State.ENDED,
        "state_at": ended,
        "end_reason": EndReason.FAILED if has_failed else EndReason.EXPIRED,
        "failed_at": ended if has_failed else None,
        "failure": "The storage is full." if has_failed else None,
        "deadline_at": ended,
        "stop_requested_at": ended,
        "ended_at": ended + timedelta(seconds=3),
    }


def _row(public_id: str, owner: int, launched: datetime) -> dict[str, Any]:
    """Return the common columns; a bulk insert needs the same columns in each row."""
    empty = dict.fromkeys(NOT_IN_ALL)
    return empty | {
        "public_id": public_id,
        "owner_id": owner,
        "template_id": 1,
        "minutes": 30,
        "rdp_username": "desktop",
        "keyboard_layout": "us",
        "created_at": launched,
        "launched_at": launched,
        "build_started_at": launched,
        "ready_at": launched + timedelta(seconds=STEP_TIMES_S[-1]),
        "template_version": "1",
        "ssh_host_key_sha256": "SHA256:none",
        "rdp_certificate_sha256": "00" * 32,
        "row_version": 1,
    }


def _insert_what_follows(services: Services, places: Sequence[Place], now: datetime) -> None:
    """Insert the steps, audit entries, reservations and connections of the inserted desktops."""
    with services.db.read() as session:
        desktops = session.execute(
            select(Desktop.id, Desktop.public_id, Desktop.owner_id, Desktop.created_at).order_by(
                Desktop.id
            )
        ).all()
    sign_ins = _sign_ins(services)
    _insert(services, DesktopStep, (step for one in desktops for step in _steps(one[0], one[3])))
    _insert(
        services,
        AuditEntry,
        (
            {"at": created, "action": action, "person_id": owner, "subject": public_id}
            for _, public_id, owner, created in desktops
            for action in ACTS
        ),
    )
    ids = {public_id: desktop_id for desktop_id, public_id, *_ in desktops}
    held = [(place, ids[place.public_id]) for place in places]
    _insert(services, VmidReservation, ({"vmid": p.vmid, "desktop_id": d} for p, d in held))
    _insert(
        services, AddressReservation, ({"address": p.address, "desktop_id": d} for p, d in held)
    )
    _insert(
        services,
        Connection,
        (
            _connection(number, (desktop_id, public_id), owner, sign_ins[owner], now)
            for number, (desktop_id, public_id, owner, _) in enumerate(desktops[: len(places)])
            if number % CONNECTED == 0 and owner in sign_ins
        ),
    )


def _sign_ins(services: Services) -> dict[int | None, int]:
    with services.db.read() as session:
        return {person: one for one, person in session.execute(select(SignIn.id, SignIn.person_id))}


def _steps(desktop_id: int, created: datetime) -> Iterator[dict[str, Any]]:
    moments = [created + timedelta(seconds=seconds) for seconds in STEP_TIMES_S]
    for name, (began, ended) in zip(BUILD_STEPS, pairwise(moments), strict=True):
        yield {"desktop_id": desktop_id, "name": name, "started_at": began, "finished_at": ended}


def _connection(
    number: int, desktop: tuple[int, str], owner: int | None, sign_in: int, now: datetime
) -> dict[str, Any]:
    return {
        "public_id": f"connection-{number:08x}",
        "protocol": Protocol.RDP,
        "door": Door.BROWSER_VIEW,
        "target_kind": TargetKind.DESKTOP,
        "target_id": desktop[1],
        "desktop_id": desktop[0],
        "person_id": owner,
        "sign_in_id": sign_in,
        "source_address": "192.0.2.1",
        "user_agent": "Firefox",
        "started_at": now - timedelta(minutes=4),
        "seen_at": now,
        "bytes_up": 10_000,
        "bytes_down": 9_000_000,
        "last_input_at": now,
    }


def _insert(services: Services, table: type[Base], rows: Any) -> None:
    """Insert in transactions of a few thousand rows."""
    waiting = list(rows)
    for first in range(0, len(waiting), ROWS_AT_ONCE):
        with services.db.begin() as session:
            session.execute(insert(table), waiting[first : first + ROWS_AT_ONCE])
