"""The recorded scenario of a real Proxmox VE node; FIDELITY.md reports its results correctly."""

from __future__ import annotations

import re

import pytest

from tests.labnode import fidelity, recordings

pytestmark = pytest.mark.skipif(
    not recordings.recordings_file(fidelity.VERSION).exists(),
    reason=f"the recordings of Proxmox VE {fidelity.VERSION} are not there "
    "(set WINUX_REFERENCE_DIR to their folder)",
)


@pytest.fixture(scope="module")
def cases() -> list[fidelity.Case]:
    return fidelity.replayed(more=fidelity.LAGGING)


@pytest.fixture(scope="module")
def by_default() -> list[fidelity.Case]:
    return fidelity.replayed()


def test_at_least_95_of_100_recorded_cases_are_the_same(
    cases: list[fidelity.Case],
    by_default: list[fidelity.Case],
    capsys: pytest.CaptureFixture[str],
) -> None:
    for replayed in (cases, by_default):
        same, total = fidelity.share(replayed)
        percent = 100 * same / total
        with capsys.disabled():
            line = f"\nlab node: {same} of {total} recorded cases the same ({percent:.1f} %)"
            print(line)  # noqa: T201  # the number is what people look for
        assert total > 450
        assert percent >= 95


def test_every_difference_has_a_reason(cases: list[fidelity.Case]) -> None:
    unexplained = [
        f"{c.name} {c.endpoint} {c.problems}" for c in cases if c.problems and not c.reason
    ]
    assert unexplained == []


def test_no_reason_is_out_of_date(cases: list[fidelity.Case]) -> None:
    different = [case.name for case in cases if case.problems]
    unneeded = [
        pattern
        for pattern in fidelity.DIFFERENT
        if not any(re.fullmatch(pattern, name) for name in different)
    ]
    assert unneeded == []


def test_the_document_is_current(
    cases: list[fidelity.Case], by_default: list[fidelity.Case]
) -> None:
    expected = fidelity.document(cases, by_default)
    assert fidelity.FILE.read_text() == expected, "run: python -m tests.labnode.fidelity"


@pytest.mark.sampled(0)
@pytest.mark.skipif(
    not recordings.recordings_file(fidelity.OLDER).exists(),
    reason=f"the recordings of Proxmox VE {fidelity.OLDER} are not there",
)
def test_an_older_node_is_told_apart_by_its_version_and_its_races(
    capsys: pytest.CaptureFixture[str],
) -> None:
    older = fidelity.replayed(fidelity.OLDER)
    same, of_version = fidelity.older_share(older)
    _, total = fidelity.share(older)
    with capsys.disabled():
        line = (
            f"\nlab node, {fidelity.OLDER}: {same} of {total} the same, {of_version} the version's"
        )
        print(line)  # noqa: T201  # the number is what people look for
    assert total == fidelity.OLDER_TOTAL
    assert same >= fidelity.OLDER_SAME
    assert of_version >= fidelity.OLDER_VERSION


# Differences that the comparison itself must detect.
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"data": 1}, {"data": "1"}),
        ({"data": None}, {"data": []}),
        ({"data": {"a": 1}}, {"data": {"a": 1, "b": 2}}),
        ({"data": {"a": 1, "b": 2}}, {"data": {"a": 1}}),
        ({"data": {"status": "stopped"}}, {"data": {"status": "running"}}),
        ({"data": {"maxmem": 1, "type": "lxc"}}, {"data": {"maxmem": 2, "type": "lxc"}}),
        ({"errors": {"vmid": "wrong"}}, {"errors": {"vmid": "invalid"}}),
        ({"data": [{"vmid": 1}]}, {"data": [{"vmid": 2}]}),
        ({"data": []}, {"data": [{"vmid": 2}]}),
        ({"data": "UPID:pve:0:0:0:vzstart:1:a@b:"}, {"data": "UPID:pve:0:0:0:vzstop:1:a@b:"}),
        ({"message": "a\n"}, {"message": "a"}),
    ],
)
def test_the_comparison_sees_differences(ours: object, theirs: object) -> None:
    assert list(recordings.differences(ours, theirs)) != []
    assert list(recordings.differences(theirs, theirs)) == []
