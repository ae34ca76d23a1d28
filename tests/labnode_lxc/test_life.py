"""The life of containers, from an archive to their removal, through the API."""

import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labnode.backend import BackendError
from labnode.containers import clean
from tests.labnode_lxc.conftest import TEMPLATE
from tests.labnode_lxc.lab import Lab, neighbour_of

pytestmark = pytest.mark.lab


def test_an_archive_becomes_a_container_that_answers(lab: Lab, archive: Path) -> None:
    lab.backend.create(20, archive, lab.config(20))
    assert not lab.backend.is_running(20)

    lab.start(20)

    assert lab.backend.is_running(20)
    assert lab.page(20) == "hello from the container\n"


def test_root_in_a_container_is_nobody_on_the_host(lab: Lab, desktop: int) -> None:
    lab.run(desktop, "touch /tmp/made-by-root")

    made = lab.state_dir / "containers" / str(desktop) / "upper/tmp/made-by-root"
    assert made.stat().st_uid >= 100_000
    assert Path(f"/proc/{lab.backend.usage(desktop).pid}").stat().st_uid >= 100_000


def test_a_container_has_its_name_and_address(lab: Lab, desktop: int) -> None:
    hosts = lab.run(desktop, "hostname; cat /etc/hostname /etc/hosts").stdout

    assert hosts.startswith("desktop-30\ndesktop-30\n")
    assert f"{lab.address(desktop)} desktop-30\n" in hosts
    eth0 = {i.name: i for i in lab.backend.interfaces(desktop)}["eth0"]
    assert eth0.inet == f"{lab.address(desktop)}/24"
    assert eth0.hwaddr == "02:00:00:00:00:1e"


def test_usage_tells_what_a_container_does(lab: Lab, desktop: int) -> None:
    before = lab.backend.usage(desktop)
    lab.page(desktop)
    lab.run(desktop, "timeout 0.4 sh -c 'while :; do :; done'")

    after = lab.backend.usage(desktop)

    assert after.maxmem == 64 << 20
    assert 0 < after.mem < after.maxmem
    assert after.netin > before.netin
    assert after.netout > before.netout
    assert 0.1 < after.cpu <= 1.2
    assert after.uptime_s < 30


def test_disk_usage_of_a_clone_is_its_own(lab: Lab, desktop: int) -> None:
    lab.run(desktop, "dd if=/dev/urandom of=/big bs=1M count=20")

    assert 20 << 20 <= lab.backend.usage(desktop).disk < 22 << 20


def test_clones_of_a_template_do_not_share_changes(lab: Lab, desktop: int, neighbour: int) -> None:
    lab.run(desktop, "echo mine > /www/index.html; rm /etc/group")

    assert lab.page(desktop) == "mine\n"
    assert lab.page(neighbour) == "hello from the container\n"
    assert lab.run(neighbour, "cat /etc/group").returncode == 0


def test_a_stopped_container_keeps_its_files(lab: Lab, desktop: int) -> None:
    lab.run(desktop, "echo kept > /www/index.html")

    lab.backend.stop(desktop)
    assert not lab.backend.is_running(desktop)
    lab.start(desktop)

    assert lab.page(desktop) == "kept\n"


def test_shutdown_tells_whether_the_container_went_down(lab: Lab, desktop: int) -> None:
    assert lab.backend.shutdown(desktop, timeout=10)
    assert not lab.backend.is_running(desktop)

    mark = lab.state_dir / "containers" / str(desktop) / "upper/etc/deaf"
    mark.touch()
    lab.start(desktop)
    assert not lab.backend.shutdown(desktop, timeout=1)
    assert lab.backend.is_running(desktop)


@pytest.mark.parametrize("running", [True, False])
def test_a_full_clone_is_a_copy_of_what_was_there(lab: Lab, desktop: int, running: bool) -> None:
    lab.run(desktop, "echo changed > /www/index.html")
    if not running:
        lab.backend.stop(desktop)

    lab.backend.clone(desktop, 40, full=True)
    lab.backend.destroy(desktop)
    lab.start(40)

    assert lab.page(40) == "changed\n"


def test_a_changed_clone_can_become_a_template(lab: Lab, desktop: int) -> None:
    lab.run(desktop, "echo second version > /www/index.html")
    lab.backend.stop(desktop)
    lab.backend.make_template(desktop)
    lab.backend.clone(desktop, 41, full=False)

    lab.start(41)

    assert lab.page(41) == "second version\n"


def test_a_base_lives_as_long_as_its_last_clone(lab: Lab, archive: Path) -> None:
    bases = lab.state_dir / "bases"
    before = set(bases.iterdir())
    lab.backend.create(21, archive, lab.config(21))
    lab.backend.make_template(21)
    lab.backend.clone(21, 42, full=False)
    lab.backend.clone(21, 43, full=False)

    lab.backend.destroy(21)
    lab.backend.destroy(42)
    lab.start(43)
    assert lab.page(43) == "hello from the container\n"
    assert len(set(bases.iterdir()) - before) == 1

    lab.backend.destroy(43)
    assert set(bases.iterdir()) == before


def test_a_linked_clone_needs_a_template(lab: Lab, desktop: int) -> None:
    with pytest.raises(BackendError, match="no template"):
        lab.backend.clone(desktop, 44, full=False)
    assert 44 not in lab.backend.existing()


def test_a_template_does_not_start(lab: Lab) -> None:
    with pytest.raises(BackendError, match="is a template"):
        lab.start(TEMPLATE)


def test_privileged_containers_are_refused(lab: Lab, archive: Path) -> None:
    with pytest.raises(BackendError, match="privileged containers are refused"):
        lab.backend.create(22, archive, lab.config(22, unprivileged=False))
    assert 22 not in lab.backend.existing()


def test_a_broken_archive_leaves_nothing(lab: Lab, tmp_path: Path) -> None:
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(b"\x1f\x8b" + b"nonsense" * 100)

    with pytest.raises(BackendError, match="Error is not recoverable"):
        lab.backend.create(23, broken, lab.config(23))

    assert 23 not in lab.backend.existing()
    assert not (lab.state_dir / "containers/23").exists()


@pytest.fixture
def small_lab(tmp_path: Path, lab: Lab) -> Iterator[Lab]:
    """Another lab, on a disk of one megabyte."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", tmp_path], check=True)
    try:
        small = Lab(tmp_path, f"{lab.bridge}n", neighbour_of(lab.subnet))
        yield small
        clean(tmp_path, small.bridge)
        small.close()
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_full_disk_is_told_and_leaves_nothing(small_lab: Lab, archive: Path) -> None:
    small_lab.backend.prepare()

    with pytest.raises(BackendError, match="No space left on device"):
        small_lab.backend.create(24, archive, small_lab.config(24))

    assert small_lab.backend.existing() == set()


def test_a_second_start_is_refused(lab: Lab, desktop: int) -> None:
    with pytest.raises(BackendError, match="already running"):
        lab.start(desktop)
    assert lab.page(desktop) == "hello from the container\n"


def test_a_container_that_dies_at_once_is_no_success(lab: Lab) -> None:
    lab.backend.clone(TEMPLATE, 45, full=False)
    etc = lab.state_dir / "containers/45/upper/etc"
    etc.mkdir()
    (etc / "broken").touch()

    with pytest.raises(BackendError, match="CT 45 did not start"):
        lab.start(45)
    assert not lab.backend.is_running(45)


def test_a_container_without_init_says_why_it_does_not_start(lab: Lab, desktop: int) -> None:
    lab.run(desktop, "rm /sbin/init")
    lab.backend.stop(desktop)

    with pytest.raises(BackendError, match="No such file or directory"):
        lab.start(desktop)


def test_clone_and_start_are_quick(lab: Lab) -> None:
    began = time.monotonic()
    lab.backend.clone(TEMPLATE, 46, full=False)
    lab.start(46)
    answer = lab.page(46)

    assert answer == "hello from the container\n"
    assert time.monotonic() - began < 5  # 0.3 s on an idle machine; a copy or timeout is slower


def test_starts_at_the_same_time_all_succeed(lab: Lab) -> None:
    def launch(vmid: int) -> str:
        lab.backend.clone(TEMPLATE, vmid, full=False)
        lab.start(vmid)
        return lab.page(vmid)

    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(launch, range(50, 58)))

    assert pages == ["hello from the container\n"] * 8
