"""Launching: reservations, refusals, and no race that exceeds the limit."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.portal import PASSWORD, SteppingClock, make_environment, publish_template
from tests.refusals import refuses
from webapp.adapters import migration
from webapp.bootstrap import Services, build_services
from webapp.config import load
from webapp.domain.errors import BadInput, NotFound, Refused
from webapp.domain.states import State
from webapp.models import AddressReservation, AuditEntry, Desktop, VmidReservation
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.desktops.launch import LaunchRequest


def test_a_launch_queues_a_desktop_with_all_it_needs(
    services: Services, alice: Actor, xfce: str
) -> None:
    public_id = services.launcher.launch(alice, LaunchRequest())
    desktop = services.reports.desktop(alice, public_id)
    assert (desktop.state, desktop.minutes, desktop.rdp_username, desktop.keyboard_layout) == (
        State.QUEUED,
        30,
        "desktop",
        "us",
    )
    assert (desktop.vmid, desktop.address) == (30001, "10.203.0.64")
    assert len(services.vault.unlock(desktop.password_locked or b"")) == 20


def test_the_password_is_not_readable_in_the_database(
    services: Services, alice: Actor, xfce: str, tmp_path: Path
) -> None:
    public_id = services.launcher.launch(alice, LaunchRequest())
    desktop = services.reports.desktop(alice, public_id)
    password = services.vault.unlock(desktop.password_locked or b"")
    on_disk = b"".join(file.read_bytes() for file in tmp_path.glob("winux.db*"))
    assert public_id.encode() in on_disk
    assert password.encode() not in on_disk


def test_one_form_launches_once_however_often_it_is_sent(
    services: Services, alice: Actor, bob: Actor, xfce: str
) -> None:
    wish = LaunchRequest(launch_token="one form")
    first = services.launcher.launch(alice, wish)
    assert services.launcher.launch(alice, wish) == first
    with pytest.raises(Refused):  # another person's token does not lead to their desktop
        services.launcher.launch(bob, wish)


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (LaunchRequest(template="nope"), "template"),
        (LaunchRequest(minutes=100_000), "minutes"),
        (LaunchRequest(rdp_username="root"), "rdp_username"),
        (LaunchRequest(keyboard_layout="klingon"), "keyboard_layout"),
    ],
)
def test_a_bad_wish_is_refused_and_leaves_nothing(
    services: Services, alice: Actor, xfce: str, wish: LaunchRequest, field: str
) -> None:
    with pytest.raises(BadInput) as refused:
        services.launcher.launch(alice, wish)
    assert refused.value.field == field
    with services.db.read() as session:
        assert not session.scalars(select(Desktop)).all()
        assert not session.scalars(select(VmidReservation)).all()
        entries = session.scalars(select(AuditEntry).where(AuditEntry.is_refused)).all()
    assert [entry.action for entry in entries] == ["desktop.launch"]


def test_without_any_template_the_refusal_says_what_to_do(services: Services, alice: Actor) -> None:
    with refuses(Refused, match="No desktop template is published"):
        services.launcher.launch(alice, LaunchRequest())


def test_a_disabled_person_launches_nothing(services: Services, alice: Actor, xfce: str) -> None:
    services.accounts.suspend(SYSTEM, "alice")
    with pytest.raises(NotFound):
        services.launcher.launch(alice, LaunchRequest())


def test_the_limit_is_per_person(services: Services, alice: Actor, bob: Actor, xfce: str) -> None:
    for _ in range(3):
        services.launcher.launch(alice, LaunchRequest())
    with refuses(Refused, match="3 of 3") as refused:
        services.launcher.launch(alice, LaunchRequest())
    assert refused.value.reason == "limit"
    services.launcher.launch(bob, LaunchRequest())


def test_a_full_site_says_so(tmp_path: Path, clock: SteppingClock) -> None:
    services = build_services(
        load(make_environment(tmp_path, WINUX_MAX_DESKTOPS_TOTAL="1")), clock=clock
    )
    migration.migrate(services.db)
    publish_template(services)
    actor = Actor(services.accounts.add_person(SYSTEM, "carol", PASSWORD))
    services.launcher.launch(actor, LaunchRequest())
    with refuses(Refused, match="All desktops of this site") as refused:
        services.launcher.launch(actor, LaunchRequest())
    assert refused.value.reason == "full"
    services.db.close()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"WINUX_VMID_LAST": "30001"}, "no_vmid"),
        ({"WINUX_ADDRESS_LAST": "10.203.0.64"}, "no_address"),
    ],
)
def test_no_id_or_address_left_says_so_and_leaves_nothing(
    tmp_path: Path, clock: SteppingClock, changes: dict[str, str], reason: str
) -> None:
    services = build_services(load(make_environment(tmp_path, **changes)), clock=clock)
    migration.migrate(services.db)
    publish_template(services)
    actor = Actor(services.accounts.add_person(SYSTEM, "carol", PASSWORD))
    services.launcher.launch(actor, LaunchRequest())
    with pytest.raises(Refused) as refused:
        services.launcher.launch(actor, LaunchRequest())
    assert refused.value.reason == reason
    with services.db.read() as session:
        assert len(session.scalars(select(Desktop)).all()) == 1
    services.db.close()


def test_many_launches_at_once_never_pass_the_limit_or_share_anything(
    services: Services, alice: Actor, bob: Actor, xfce: str
) -> None:
    def launch(number: int) -> str:
        try:
            return services.launcher.launch(replace(alice if number % 2 else bob), LaunchRequest())
        except Refused as refused:
            return refused.reason

    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(launch, range(50)))
    assert sum(outcome.startswith("desktop-") for outcome in outcomes) == 6
    assert {outcome for outcome in outcomes if not outcome.startswith("desktop-")} == {"limit"}
    with services.db.read() as session:
        assert len(session.scalars(select(VmidReservation)).all()) == 6
        assert len({one.address for one in session.scalars(select(AddressReservation))}) == 6
