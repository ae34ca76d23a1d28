"""What follows from a difference between rows and node."""

import pytest

from webapp.domain.drift import (
    Drift,
    KnownDesktop,
    Loss,
    SeenContainer,
    decide_drift,
    find_loss,
    is_mass,
)
from webapp.domain.mark import Mark

OURS = Mark("portal", "desktop-00000001")


def _desktop(**changes: object) -> KnownDesktop:
    values: dict[str, object] = {
        "public_id": OURS.desktop_id,
        "vmid": 30001,
        "is_ready": True,
        "is_in_work": False,
    }
    return KnownDesktop(**{**values, **changes})  # type: ignore[arg-type]  # values are of any type


def _container(**changes: object) -> SeenContainer:
    values: dict[str, object] = {
        "vmid": 30001,
        "is_running": True,
        "is_template": False,
        "lock": None,
        "mark": OURS,
    }
    return SeenContainer(**{**values, **changes})  # type: ignore[arg-type]  # values are of any type


@pytest.mark.parametrize(
    ("container", "loss"),
    [
        (None, Loss.GONE),
        (_container(), None),
        (_container(is_running=False), Loss.STOPPED),
        (_container(is_running=False, lock="backup"), None),
        (_container(mark=None), Loss.REPLACED),
        (_container(mark=Mark("portal", "desktop-00000002")), Loss.REPLACED),
        (_container(mark=Mark("other", OURS.desktop_id)), Loss.REPLACED),
    ],
)
def test_how_a_desktop_can_be_lost(container: SeenContainer | None, loss: Loss | None) -> None:
    assert find_loss("portal", OURS.desktop_id, container) == loss


@pytest.mark.parametrize("changes", [{"is_ready": False}, {"is_in_work": True}])
def test_only_ready_desktops_that_nobody_works_on_can_be_lost(changes: dict[str, object]) -> None:
    assert decide_drift("portal", [_desktop(**changes)], []) == Drift({}, [])


@pytest.mark.parametrize(
    ("container", "is_orphan"),
    [
        (_container(), True),
        (_container(is_running=False), True),
        (_container(is_template=True), False),
        (_container(mark=None), False),
        (_container(mark=Mark("other", OURS.desktop_id)), False),
    ],
)
def test_only_containers_with_our_mark_are_orphans(
    container: SeenContainer, is_orphan: bool
) -> None:
    assert decide_drift("portal", [], [container]).orphans == ([container] if is_orphan else [])


def test_a_second_container_of_a_desktop_is_an_orphan_unless_it_is_being_built() -> None:
    second = _container(vmid=30002)
    assert decide_drift("portal", [_desktop()], [_container(), second]).orphans == [second]
    built = _desktop(is_ready=False, is_in_work=True)
    assert decide_drift("portal", [built], [second]).orphans == []


@pytest.mark.parametrize(
    ("orphans", "known", "is_too_many"), [(3, 0, False), (4, 0, True), (4, 4, False), (9, 8, True)]
)
def test_many_orphans_and_few_desktops_are_suspicious(
    orphans: int, known: int, is_too_many: bool
) -> None:
    assert is_mass(orphans, known) == is_too_many
