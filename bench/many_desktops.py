"""A database as on a busy site after a few days: people, running desktops, history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import select

from webapp.bootstrap import Services, build_services
from webapp.config import load
from webapp.domain.desktops.estimate import BUILD_STEPS
from webapp.domain.states import EndReason, State
from webapp.models import Desktop, DesktopStep, Person, Template

#: One of this number of desktops still runs.
RUNNING_SHARE = 9
OTHERS = 9
#: Seconds after the begin of the build at which each step begins and the last one ends.
STEP_TIMES_S = (0.5, 2.0, 2.4, 3.3, 4.6, 5.2)


def fill_database(environment: Mapping[str, str], owner: str, count: int) -> str:
    """Add `count` desktops of `owner` and nine others; return the public id of a running one."""
    services = build_services(load(environment))
    with services.db.begin() as session:
        template = _template(services.clock.now())
        people = [session.scalars(select(Person).where(Person.name == owner)).one()]
        people += [_person(f"person{number}", services.clock.now()) for number in range(OTHERS)]
        session.add_all([template, *people])
        desktops = [_desktop(n, people[n % len(people)], template, services) for n in range(count)]
        session.add_all(desktops)
    return desktops[0].public_id


def _template(now: datetime) -> Template:
    return Template(name="xfce", title="XFCE", vmid=29001, version="1", published_at=now)


def _person(name: str, now: datetime) -> Person:
    # not a valid hash: these people never sign in
    return Person(name=name, password_hash="-", created_at=now)


def _desktop(number: int, owner: Person, template: Template, services: Services) -> Desktop:
    is_running = number % RUNNING_SHARE == 0
    now = services.clock.now()
    created = now - (timedelta(minutes=5) if is_running else timedelta(hours=1 + number))
    ready = created + timedelta(seconds=STEP_TIMES_S[-1])
    ended = None if is_running else ready + timedelta(minutes=30)
    return Desktop(
        public_id=f"desktop-{number:08x}",
        owner=owner,
        template=template,
        state=State.READY if is_running else State.ENDED,
        state_at=ended or ready,
        end_reason=None if is_running else list(EndReason)[number % len(EndReason)],
        minutes=30,
        rdp_username="desktop",
        keyboard_layout="us",
        password_locked=services.vault.lock("not a password") if is_running else None,
        created_at=created,
        launched_at=created,
        build_started_at=created,
        ready_at=ready,
        deadline_at=ready + timedelta(minutes=30),
        deadline_told_at=ready + timedelta(minutes=30),
        stop_requested_at=ended,
        ended_at=ended,
        vmid=30001 + number,
        node="lab",
        address=f"10.203.1.{number % 190 + 64}",
        template_version="1",
        rdp_certificate_sha256="00" * 32,
        steps=_steps(created),
    )


def _steps(created: datetime) -> list[DesktopStep]:
    moments = [created + timedelta(seconds=seconds) for seconds in STEP_TIMES_S]
    return [
        DesktopStep(name=name, started_at=began, finished_at=ended)
        for name, (began, ended) in zip(BUILD_STEPS, pairwise(moments), strict=True)
    ]
