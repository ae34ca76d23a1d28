"""The health of a part, derived from measured values."""

from datetime import UTC, datetime, timedelta

import pytest

from labnode.setup import ROLES as LAB_ROLES
from webapp.domain.upkeep import health
from webapp.domain.upkeep.health import GIB, CheckResult, Health
from webapp.domain.upkeep.rights import ROLES, places

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "is_so"),
    [
        (0, Health.GOOD),
        (10, Health.GOOD),
        (-11, Health.WARN),
        (120, Health.WARN),
        (121, Health.BAD),
    ],
)
def test_clocks(seconds: int, is_so: Health) -> None:
    sign = health.judge_clock(NOW + timedelta(seconds=seconds), NOW)
    assert sign.health == is_so
    assert bool(sign.cure) == (is_so != Health.GOOD)


@pytest.mark.parametrize(("days", "is_so"), [(15, Health.GOOD), (14, Health.WARN)])
def test_certificates(days: int, is_so: Health) -> None:
    assert health.judge_certificate(NOW + timedelta(days=days), NOW).health == is_so


@pytest.mark.parametrize(
    ("version", "is_so"), [("8.4.1", Health.GOOD), ("9.1", Health.GOOD), ("7.4-3", Health.WARN)]
)
def test_versions(version: str, is_so: Health) -> None:
    assert health.judge_version(version).health == is_so


@pytest.mark.parametrize(
    ("changes", "is_so", "words"),
    [
        ({}, Health.GOOD, "makes linked clones"),
        ({"is_active": False}, Health.BAD, "stopped or disabled"),
        ({"content": "images,iso"}, Health.BAD, "does not take containers"),
        ({"free": GIB}, Health.WARN, "only 1.0 GiB"),
        ({"free": 1 << 20}, Health.BAD, "only 0.0 GiB"),
        ({"kind": "dir"}, Health.WARN, "copies the whole disk"),
    ],
)
def test_storages(changes: dict[str, object], is_so: Health, words: str) -> None:
    facts: dict[str, object] = {
        "kind": "lvmthin",
        "is_active": True,
        "content": "rootdir,images",
        "free": 100 * GIB,
    }
    sign = health.judge_storage("disks", **{**facts, **changes})  # type: ignore[arg-type]  # of any type
    assert (sign.health, words in sign.text) == (is_so, True)
    assert bool(sign.cure) == (is_so != Health.GOOD)


@pytest.mark.parametrize(
    ("free", "is_so"), [(3 * GIB, Health.GOOD), (GIB, Health.WARN), (1 << 20, Health.BAD)]
)
def test_space(free: int, is_so: Health) -> None:
    assert health.judge_space("disk", "/srv", free).health == is_so


def test_only_what_is_broken_makes_an_installation_unwell() -> None:
    signs = [CheckResult("a", one, "") for one in (Health.GOOD, Health.WARN, Health.UNKNOWN)]
    assert health.is_well(signs)
    assert not health.is_well([*signs, CheckResult("b", Health.BAD, "")])


def test_the_rights_are_those_that_the_lab_node_and_the_documents_give() -> None:
    for role, privileges in ROLES.items():
        assert set(privileges) == set(LAB_ROLES[role])
    assert {role for place in places("a", "b", "c") for role in place.roles} == set(ROLES)
