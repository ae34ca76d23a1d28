"""Limits: their effect in a container, and their values for both versions of cgroups."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from labnode.backend import BackendError, ContainerConfig
from labnode.cgroups import Cgroup, find_version, limits, missing_controllers
from labnode.id_ranges import ID_COUNT, RANGES, IdRanges, reserve_ids
from labnode.lxc_config import Machine, Place, lxc_config
from tests.labnode_lxc.conftest import TEMPLATE
from tests.labnode_lxc.lab import BRIDGE, SUBNET, Lab, neighbour_of

CONFIG = ContainerConfig("desktop-1", memory_mb=1024, swap_mb=512, cores=2)


@pytest.mark.lab
def test_memory_ends_at_the_limit(lab: Lab, desktop: int) -> None:
    take = "dd if=/dev/zero of=/dev/null bs={}M count=1"

    assert lab.run(desktop, take.format(30)).returncode == 0
    assert lab.run(desktop, take.format(100)).returncode == 137
    assert "65536 kB" in lab.run(desktop, "grep MemTotal /proc/meminfo").stdout
    assert lab.page(desktop) == "hello from the container\n"


@pytest.mark.lab
def test_a_fork_bomb_is_contained_and_removed(lab: Lab, desktop: int) -> None:
    lab.backend.stop(desktop)
    lab.start(desktop, memory_mb=1024)
    said = lab.run(desktop, "for i in $(seq 1100); do sleep 60 >/dev/null 2>&1 & done").stderr
    group = Cgroup(f"winux_{lab.bridge}/{desktop}/payload", find_version())

    assert "can't fork" in said
    assert 900 < len(list(group.processes())) <= 1000
    lab.backend.stop(desktop)
    assert not lab.backend.is_running(desktop)


@pytest.mark.lab
def test_one_core_is_not_two(lab: Lab, desktop: int) -> None:
    group = Cgroup(f"winux_{lab.bridge}/{desktop}/payload", find_version())
    before = group.cpu_seconds()
    spin = "timeout 2 sh -c 'while :; do :; done'"

    lab.run(desktop, f"{spin} & {spin} & {spin} & wait")

    assert 0.2 < group.cpu_seconds() - before < 2.6


@pytest.mark.lab
def test_nesting_is_only_there_when_asked_for(lab: Lab) -> None:
    lab.backend.clone(TEMPLATE, 60, full=False)
    lab.start(60)
    assert lab.run(60, "ls /dev/.lxc").returncode != 0
    assert " /sys sysfs ro," in lab.run(60, "cat /proc/mounts").stdout
    lab.backend.stop(60)

    lab.start(60, nesting=True)

    assert lab.run(60, "ls /dev/.lxc/proc/self/status").returncode == 0


def test_limits_for_cgroup_v1() -> None:
    assert limits(CONFIG, 1, swap=True) == {
        "lxc.cgroup.memory.limit_in_bytes": "1073741824",
        "lxc.cgroup.memory.memsw.limit_in_bytes": "1610612736",
        "lxc.cgroup.cpu.shares": "8192",
        "lxc.cgroup.pids.max": "1000",
        "lxc.cgroup.cpu.cfs_period_us": "100000",
        "lxc.cgroup.cpu.cfs_quota_us": "200000",
    }


def test_limits_for_cgroup_v2() -> None:
    assert limits(CONFIG, 2, swap=True) == {
        "lxc.cgroup2.memory.max": "1073741824",
        "lxc.cgroup2.memory.swap.max": "536870912",
        "lxc.cgroup2.cpu.weight": "313",
        "lxc.cgroup2.pids.max": "1000",
        "lxc.cgroup2.cpu.max": "200000 100000",
    }


@pytest.mark.parametrize("version", [1, 2])
def test_what_is_not_limited_has_no_setting(version: int) -> None:
    keys = limits(ContainerConfig("a", cores=0), version, swap=False)

    assert not any("swap" in key or "memsw" in key for key in keys)
    assert not any("quota" in key or "cpu.max" in key for key in keys)


@pytest.mark.parametrize(
    ("apparmor", "nesting", "profile"),
    [(False, False, "unconfined"), (True, False, "generated"), (True, True, "generated")],
)
def test_apparmor_is_off_only_where_the_kernel_has_none(
    apparmor: bool, nesting: bool, profile: str
) -> None:
    machine = Machine("wxbr0", 2, True, apparmor, Path("/run/port"))
    place = Place(Path("/run/rootfs"), "wxbr0-1", "winux_wxbr0/1", Path("/run/userns"), 100_000)

    lines = lxc_config(ContainerConfig("a", nesting=nesting), machine, place).splitlines()

    found = [line for line in lines if line.startswith("lxc.apparmor.profile")]
    assert found == [f"lxc.apparmor.profile = {profile}"]
    assert ("lxc.apparmor.allow_nesting = 1" in lines) == nesting
    assert "lxc.idmap = u 0 100000 65536" in lines


def test_readings_of_cgroup_v2(tmp_path: Path) -> None:
    folder = tmp_path / "winux_b/1"
    (folder / "init.scope").mkdir(parents=True)
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    (folder / "cgroup.procs").write_text("")
    (folder / "memory.current").write_text("5000\n")
    (folder / "memory.stat").write_text("anon 4000\ninactive_file 1000\n")
    (folder / "memory.max").write_text("max\n")
    (folder / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
    (folder / "cpu.max").write_text("150000 100000\n")
    group = Cgroup("winux_b/1", find_version(tmp_path), tmp_path)

    assert not group.is_populated()
    (folder / "init.scope/cgroup.procs").write_text("77\n")

    assert group.is_populated()
    assert list(group.processes()) == [77]
    assert (group.memory_bytes(), group.memory_limit()) == (4000, 0)
    assert (group.cpu_seconds(), group.cores()) == (2.5, 1.5)


def test_an_init_that_moves_meanwhile_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, scope = tmp_path / "b/1", tmp_path / "b/1/init.scope"
    folder.mkdir(parents=True)
    (folder / "cgroup.procs").write_text("77\n")
    group = Cgroup("b/1", 2, tmp_path)
    walk = os.walk

    def move_after_the_list(top: Path) -> Iterator[tuple[str, list[str], list[str]]]:
        for found in walk(top):
            if not scope.exists():
                scope.mkdir()
                (folder / "cgroup.procs").rename(scope / "cgroup.procs")
            yield found

    monkeypatch.setattr(os, "walk", move_after_the_list)
    assert group.is_populated()


@pytest.mark.lab
def test_a_machine_without_the_programs_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(
        BackendError, match=r"cannot run containers: .*apt install .*lxc .*nftables"
    ):
        Lab(tmp_path, f"{BRIDGE}n", neighbour_of(SUBNET)).backend.prepare()
    assert [one.name for one in tmp_path.iterdir()] == ["lock"]  # the test's own


def test_a_missing_controller_is_named(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu io memory\n")
    assert missing_controllers(tmp_path) == ["pids"]


def test_ids_are_taken_behind_everybody_elses_and_then_kept(tmp_path: Path) -> None:
    users, groups = tmp_path / "subuid", tmp_path / "subgid"
    users.write_text("alice:100000:65536\n")
    groups.write_text("alice:100000:65536\nbob:165536:65536\n")

    assert reserve_ids((users, groups), ID_COUNT) == 231_072
    assert reserve_ids((users, groups), ID_COUNT) == 231_072
    assert users.read_text() == "alice:100000:65536\nroot:231072:65536\n"
    assert groups.read_text().endswith("bob:165536:65536\nroot:231072:65536\n")


@pytest.mark.parametrize("held", ["", "root:100000:65536\n", "root:100000:1000000000\n"])
def test_the_ids_of_containers_are_apart_from_those_on_disk(tmp_path: Path, held: str) -> None:
    files = tmp_path / "subuid", tmp_path / "subgid"
    for file in files:
        file.write_text(held)
    stored = reserve_ids(files, ID_COUNT)
    first = reserve_ids(files, RANGES * ID_COUNT, apart_from=stored)

    assert not first - ID_COUNT < stored < first + RANGES * ID_COUNT
    assert (reserve_ids(files, ID_COUNT), first) == (
        stored,
        reserve_ids(files, RANGES * ID_COUNT, apart_from=stored),
    )


def test_a_range_of_ids_is_free_again_when_its_container_is_gone(tmp_path: Path) -> None:
    ids = IdRanges(100_000, 200_000, tmp_path / "holders")
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder in folders:
        folder.mkdir()
    first, second = ids.take(folders[0]), ids.take(folders[1])

    assert (first, second) == (200_000, 200_000 + ID_COUNT)
    assert IdRanges(100_000, 200_000, tmp_path / "holders").take(folders[0]) == first
    folders[0].rmdir()
    assert ids.take(folders[2]) == first
    assert ids.find(folders[1]) == second
