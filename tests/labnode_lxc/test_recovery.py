"""A lab node that is killed at any point: what a new one finds, and what it can remove."""

import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from labnode.backend import BackendError
from labnode.cgroups import Cgroup, find_version
from labnode.containers import LxcBackend, clean, take_down_network
from labnode.leftovers import sweep
from labnode.network import port_name
from tests.labnode_lxc.conftest import TEMPLATE
from tests.labnode_lxc.lab import BRIDGE, SUBNET, Lab, neighbour_of, traces, wait_for

pytestmark = pytest.mark.lab

CREATE = """
import ipaddress, sys
from pathlib import Path
from labnode.backend import ContainerConfig
from labnode.containers import LxcBackend
backend = LxcBackend(Path(sys.argv[1]), sys.argv[2], ipaddress.IPv4Network(sys.argv[3]))
backend.prepare()
print("ready", flush=True)
backend.create(70, Path(sys.argv[4]), ContainerConfig("slow"))
"""


def again(lab: Lab) -> LxcBackend:
    """Return the backend of a lab node that restarts on the same state folder."""
    backend = LxcBackend(lab.state_dir, lab.bridge, lab.subnet)
    backend.prepare()
    return backend


def test_a_new_lab_node_finds_running_containers(lab: Lab, desktop: int) -> None:
    pid = lab.backend.usage(desktop).pid

    backend = again(lab)

    assert backend.existing() == {TEMPLATE, desktop}
    assert backend.usage(desktop).pid == pid
    assert lab.page(desktop) == "hello from the container\n"
    backend.stop(desktop)
    assert not backend.is_running(desktop)


def test_a_node_that_rests_takes_its_network_along_and_comes_back(lab: Lab, desktop: int) -> None:
    with pytest.raises(BackendError, match="still run"):
        take_down_network(lab.state_dir, lab.bridge)
    lab.backend.stop(desktop)

    take_down_network(lab.state_dir, lab.bridge)

    assert not Path(f"/sys/class/net/{lab.bridge}").exists()
    run_dir = Path(f"/run/winux/{lab.bridge}")
    assert [one for one in run_dir.glob("*") if not one.is_dir()] == []
    again(lab)
    lab.start(desktop)
    assert lab.page(desktop) == "hello from the container\n"


def huge_archive(path: Path) -> Path:
    """Return a valid archive that is slow to unpack and needs no space: its large file is
    sparse."""
    with tarfile.open(path, "w") as tar:
        entry = tarfile.TarInfo("./big")
        entry.size = 20 << 30
        path.open("r+b").close()
        tar.addfile(entry)
    os.truncate(path, 21 << 30)
    return path


def test_destroy_removes_what_a_kill_left_half_unpacked(lab: Lab, tmp_path: Path) -> None:
    archive = huge_archive(tmp_path / "huge.tar")
    where = [str(lab.state_dir), lab.bridge, str(lab.subnet), str(archive)]
    creating = subprocess.Popen([sys.executable, "-c", CREATE, *where], stdout=subprocess.PIPE)
    big = lab.state_dir / "containers/70/data/big"
    wait_for(lambda: big.exists() and big.stat().st_size > 0, "nothing is unpacked")
    creating.send_signal(signal.SIGKILL)
    creating.communicate()

    backend = again(lab)
    assert 70 in backend.existing()
    size = big.stat().st_size
    time.sleep(0.2)
    assert big.stat().st_size == size, "tar goes on after its lab node is dead"
    backend.destroy(70)

    assert 70 not in backend.existing()
    assert not big.exists()
    assert list((lab.state_dir / "trash").iterdir()) == []


def test_a_new_lab_node_puts_away_what_stopped_containers_left(lab: Lab, desktop: int) -> None:
    group = Cgroup(f"winux_{lab.bridge}/{desktop}", find_version())
    group.kill()  # as when memory runs out: without any cleanup
    port = port_name(lab.bridge, 80)
    veth = ["ip", "link", "add", port, "type", "veth", "peer", f"{lab.bridge}p80"]
    subprocess.run(veth, check=True)
    assert any("rootfs" in trace for trace in traces(lab.bridge))

    backend = again(lab)

    left = [trace for trace in traces(lab.bridge) if "rootfs" in trace or f"{lab.bridge}-" in trace]
    assert left == []
    backend.start(desktop, lab.config(desktop))
    assert lab.page(desktop) == "hello from the container\n"


def test_a_container_whose_monitor_died_is_seen_and_starts_again(lab: Lab, desktop: int) -> None:
    Cgroup(f"winux_{lab.bridge}/{desktop}/monitor", find_version()).kill()

    wait_for(lambda: not lab.backend.is_running(desktop), "runs without LXC's monitor")
    lab.start(desktop)
    assert lab.page(desktop) == "hello from the container\n"


def test_a_container_killed_by_hand_is_seen(lab: Lab, desktop: int) -> None:
    os.kill(lab.backend.usage(desktop).pid, signal.SIGKILL)

    wait_for(lambda: not lab.backend.is_running(desktop), "still running")
    assert lab.backend.usage(desktop).pid == 0


@pytest.mark.parametrize("missing", ["mount", "files", "base"])
def test_destroy_works_on_what_is_half_there(lab: Lab, desktop: int, missing: str) -> None:
    lab.backend.stop(desktop)
    folder = lab.state_dir / "containers" / str(desktop)
    if missing == "mount":
        Path(f"/run/winux/{lab.bridge}/{desktop}/rootfs").mkdir(parents=True)
    elif missing == "files":
        lab.start(desktop)
        folder.rename(lab.state_dir / "gone")
    else:
        (folder / "base").unlink()

    lab.backend.destroy(desktop)
    lab.backend.destroy(desktop)

    assert desktop not in lab.backend.existing()
    assert [trace for trace in traces(lab.bridge) if str(desktop) in trace.rpartition("/")[2]] == []


def test_an_interrupted_template_can_be_made_again(lab: Lab, archive: Path) -> None:
    lab.backend.create(71, archive, lab.config(71))
    (lab.state_dir / "containers/71/base").write_text("71-never-made")

    again(lab).make_template(71)

    lab.backend.clone(71, 72, full=False)
    lab.start(72)
    assert lab.page(72) == "hello from the container\n"


def test_clean_leaves_nothing_of_this_lab_and_all_of_another(
    lab: Lab, desktop: int, archive: Path, tmp_path: Path
) -> None:
    other = Lab(tmp_path, f"{BRIDGE}n", neighbour_of(SUBNET))
    other.backend.prepare()
    other.backend.create(90, archive, other.config(90))
    other.start(90)
    assert other.page(90) == "hello from the container\n"

    clean(other.state_dir, other.bridge)
    clean(other.state_dir, other.bridge)

    assert traces(other.bridge) == []
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
    assert lab.page(desktop) == "hello from the container\n"


def test_what_a_killed_test_run_left_is_swept_and_nothing_that_lives(
    lab: Lab, desktop: int, archive: Path, tmp_path: Path
) -> None:
    other = Lab(tmp_path, f"{BRIDGE}n", neighbour_of(SUBNET))
    other.backend.prepare()
    other.backend.create(90, archive, other.config(90))
    other.start(90)
    assert other.bridge not in sweep(below=Path("/nonexistent"))
    assert other.backend.is_running(90)

    os.close(other.lock)  # as when its process is killed
    assert other.bridge in sweep(below=Path("/nonexistent"))
    assert traces(other.bridge) == []
    assert lab.page(desktop) == "hello from the container\n"


def test_a_lab_node_whose_folder_cannot_be_seen_from_here_is_left_alone(lab: Lab) -> None:
    """The process may be in a chroot or a container, and running."""
    bridge = f"{BRIDGE}n"
    for command in (
        ["add", bridge, "type", "bridge"],
        ["set", bridge, "alias", "winux /nonexistent/lab"],
    ):
        subprocess.run(["ip", "link", *command], check=True)
    try:
        assert bridge not in sweep(below=Path("/nonexistent"))
    finally:
        subprocess.run(["ip", "link", "delete", bridge], check=True)


def test_a_packet_filter_without_a_bridge_is_swept(lab: Lab) -> None:
    subprocess.run(["nft", "add", "table", "inet", f"winux_{BRIDGE}n"], check=True)
    assert f"{BRIDGE}n" in sweep(below=Path("/nonexistent"))
    assert traces(f"{BRIDGE}n") == []


def test_clean_keeps_its_hands_off_another_labs_bridge(
    lab: Lab, desktop: int, tmp_path: Path
) -> None:
    clean(tmp_path, lab.bridge)

    assert lab.page(desktop) == "hello from the container\n"
    assert lab.backend.is_running(desktop)
