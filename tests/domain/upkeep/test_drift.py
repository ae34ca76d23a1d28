"""The decisions about differences between rows and nodes."""

from datetime import UTC, datetime, timedelta

import pytest

from webapp.config import ROOT
from webapp.domain.nodes.mark import Mark
from webapp.domain.states import State
from webapp.domain.upkeep.drift import (
    ANSWERS,
    KEEP_AT_LEAST,
    Action,
    Finding,
    Kind,
    KnownDesktop,
    Loss,
    Memory,
    SeenContainer,
    decide_drift,
    due_at,
    find_loss,
    is_mass,
    is_watched,
)

OURS = Mark("portal", "desktop-00000001")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WATCHED = Memory(watched={"pve1"})


def _desktop(**changes: object) -> KnownDesktop:
    values: dict[str, object] = {
        "public_id": OURS.desktop_id,
        "vmid": 30001,
        "state": State.READY,
        "is_in_work": False,
        "node": "pve1",
        "address": "10.203.0.64",
        "memory_mb": 1024,
        "cores": 2,
    }
    return KnownDesktop(**{**values, **changes})  # type: ignore[arg-type]  # values are of any type


def _container(**changes: object) -> SeenContainer:
    values: dict[str, object] = {
        "vmid": 30001,
        "is_running": True,
        "is_template": False,
        "lock": None,
        "mark": OURS,
        "node": "pve1",
        "name": OURS.desktop_id,
        "address": "10.203.0.64",
        "memory_mb": 1024,
        "cores": 2,
    }
    return SeenContainer(**{**values, **changes})  # type: ignore[arg-type]  # values are of any type


def kinds(findings: list[Finding]) -> list[Kind]:
    return [finding.kind for finding in findings]


@pytest.mark.parametrize(
    ("container", "loss"),
    [
        (None, Loss.GONE),
        (_container(), None),
        (_container(is_running=False), Loss.STOPPED),
        (_container(is_running=False, lock="backup"), None),
        (_container(mark=None, name="somebody-elses"), Loss.REPLACED),
        (_container(mark=None), None),
        (_container(mark=Mark("portal", "desktop-00000002")), Loss.REPLACED),
        (_container(mark=Mark("other", OURS.desktop_id)), Loss.REPLACED),
    ],
)
def test_how_a_desktop_can_be_lost(container: SeenContainer | None, loss: Loss | None) -> None:
    assert find_loss("portal", OURS.desktop_id, container) == loss


def test_nothing_differs_where_both_sides_agree() -> None:
    assert decide_drift("portal", [_desktop()], [_container()], WATCHED) == []


@pytest.mark.parametrize("state", [State.WARM, State.ASSIGNING, State.READY])
def test_every_desktop_that_runs_can_be_lost(state: State) -> None:
    assert kinds(decide_drift("portal", [_desktop(state=state)], [])) == [Kind.GONE]


@pytest.mark.parametrize(
    "changes", [{"state": State.BUILDING}, {"state": State.STOPPING}, {"is_in_work": True}]
)
def test_others_and_those_in_work_cannot(changes: dict[str, object]) -> None:
    assert decide_drift("portal", [_desktop(**changes)], []) == []


@pytest.mark.parametrize("state", [State.QUEUED, State.BUILDING, State.FAILED, State.STOPPING])
@pytest.mark.parametrize("left", [{"address": "10.203.0.2"}, {"mark": None, "lock": "create"}])
def test_a_clone_that_was_left_half_made_is_no_change_by_hand(
    state: State, left: dict[str, object]
) -> None:
    """It has its template's address, or no mark yet while the node still writes it."""
    assert decide_drift("portal", [_desktop(state=state)], [_container(**left)]) == []


@pytest.mark.parametrize(
    ("change", "kind", "detail"),
    [
        ({"node": "pve2"}, Kind.MOVED, "from pve1 to pve2"),
        ({"name": "renamed"}, Kind.RENAMED, "to renamed"),
        ({"address": "10.203.0.9"}, Kind.READDRESSED, "to 10.203.0.9, from 10.203.0.64"),
        ({"memory_mb": 2048}, Kind.RESIZED, "2048 MB memory instead of 1024"),
        ({"cores": 1}, Kind.RESIZED, "1 cores instead of 2"),
        ({"mark": None}, Kind.UNMARKED, f"The line is: {OURS}"),
    ],
)
def test_what_was_changed_by_hand_is_told_and_no_desktop_ends(
    change: dict[str, object], kind: Kind, detail: str
) -> None:
    [finding] = decide_drift("portal", [_desktop()], [_container(**change)], WATCHED)
    assert (finding.kind, finding.detail) == (kind, detail)
    assert ANSWERS[kind].act in (Action.TELL, Action.FOLLOW)


def test_sizes_and_addresses_that_nobody_knows_do_not_differ() -> None:
    unknown = _desktop(memory_mb=None, cores=None, node=None)
    assert decide_drift("portal", [unknown], [_container(address=None)], WATCHED) == []


@pytest.mark.parametrize(
    ("container", "memory", "kind"),
    [
        (_container(), WATCHED, Kind.ORPHAN),
        (_container(is_running=False), WATCHED, Kind.ORPHAN),
        (_container(), Memory(), Kind.FORGOTTEN),
        (_container(), Memory(watched={"pve2"}), Kind.FORGOTTEN),
        (_container(), Memory(forgotten={OURS.desktop_id}, watched={"pve1"}), Kind.FORGOTTEN),
        (_container(), Memory(ended={OURS.desktop_id}), Kind.LEAK),
        (_container(is_template=True), WATCHED, None),
        (_container(mark=None), WATCHED, Kind.FOREIGN),
        (_container(mark=Mark("other", OURS.desktop_id)), Memory(), Kind.FOREIGN),
    ],
)
def test_what_a_container_of_no_desktop_is(
    container: SeenContainer, memory: Memory, kind: Kind | None
) -> None:
    assert kinds(decide_drift("portal", [], [container], memory)) == ([kind] if kind else [])


def test_a_second_container_of_a_desktop_is_a_leak_unless_it_is_being_built() -> None:
    second = _container(vmid=30002)
    found = decide_drift("portal", [_desktop()], [_container(), second], WATCHED)
    assert [(one.kind, one.vmid) for one in found] == [(Kind.LEAK, 30002)]
    built = _desktop(state=State.BUILDING, is_in_work=True)
    assert decide_drift("portal", [built], [second], WATCHED) == []


def test_a_second_container_from_before_the_watch_is_kept_as_forgotten() -> None:
    found = decide_drift("portal", [_desktop()], [_container(), _container(vmid=30002)])
    assert kinds(found) == [Kind.FORGOTTEN]


def test_while_a_node_is_silent_nothing_is_gone() -> None:
    elsewhere = _desktop(public_id="desktop-00000002", vmid=30002, node="pve2")
    found = decide_drift("portal", [_desktop(), elsewhere], [], WATCHED, silent=["pve2"])
    assert [(one.kind, one.node, one.detail) for one in found] == [
        (Kind.SILENT, "pve2", "desktops on it: 1")
    ]


def test_what_is_seen_to_be_down_is_down_though_another_node_is_silent() -> None:
    down = _container(is_running=False)
    found = decide_drift("portal", [_desktop()], [down], WATCHED, silent=["pve2"])
    assert kinds(found) == [Kind.SILENT, Kind.STOPPED]


@pytest.mark.parametrize(
    ("unknown", "known", "is_too_many"), [(3, 0, False), (4, 0, True), (4, 4, False), (9, 8, True)]
)
def test_many_unknown_containers_and_few_desktops_are_suspicious(
    unknown: int, known: int, is_too_many: bool
) -> None:
    assert is_mass(unknown, known) == is_too_many


def test_a_watch_with_a_gap_is_none() -> None:
    every = timedelta(minutes=1)
    assert is_watched(NOW - timedelta(minutes=4), NOW, every)
    assert not is_watched(NOW - timedelta(minutes=5), NOW, every)
    assert not is_watched(None, NOW, every)


def test_when_a_container_is_destroyed() -> None:
    quarantine, life = timedelta(minutes=2), timedelta(hours=30)
    assert due_at(Kind.LEAK, NOW, quarantine, life) == NOW + quarantine
    assert due_at(Kind.ORPHAN, NOW, quarantine, life) == NOW + quarantine
    assert due_at(Kind.FORGOTTEN, NOW, quarantine, life) == NOW + life
    assert due_at(Kind.FORGOTTEN, NOW, quarantine, timedelta()) == NOW + KEEP_AT_LEAST
    assert due_at(Kind.FOREIGN, NOW, quarantine, life) is None


def test_every_kind_of_difference_has_its_answer_and_is_described() -> None:
    described = (ROOT / "docs" / "operations" / "reconcile.md").read_text()
    assert set(ANSWERS) == set(Kind)
    for kind, answer in ANSWERS.items():
        assert f"| **{kind}** |" in described
        assert answer.means.rstrip(".") in described, kind
