"""Runs of playbooks: what they report, and that they leave nothing behind."""

import base64
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from tests.adapters.conftest import PASSWORD, TOKEN, MakeProvisioner, rests
from tests.adapters.evil import LONG, files_with, listing, processes_of
from webapp.adapters import ansible
from webapp.adapters.ansible import AnsibleProvisioner, environment
from webapp.adapters.run_process import RunPlace, RunProcess
from webapp.config import ROOT, Config
from webapp.domain.errors import OutsideFailed
from webapp.domain.provisioning.clone_queue import INTERRUPTED
from webapp.ports import BuildOrder


def _never() -> bool:
    return False


def _ignore(_step: str) -> None:
    pass


def test_a_good_run_reports_its_steps_and_its_result(
    make_provisioner: MakeProvisioner, order: BuildOrder
) -> None:
    steps: list[str] = []
    result = make_provisioner("good").create(order, on_step=steps.append, is_cancelled=_never)
    assert steps == ["desktop_clone", "desktop_start"]
    assert (result.node, result.address) == ("lab", "10.203.0.64/24")
    assert result.ssh_host_key_sha256 == "SHA256:" + "k" * 43


def test_a_run_that_was_started_ahead_begins_sooner(
    make_provisioner: MakeProvisioner, order: BuildOrder, config: Config
) -> None:
    provisioner = make_provisioner("good")

    def seconds_to_first_step() -> float:
        began = time.monotonic()
        first: list[float] = []
        provisioner.create(
            order, on_step=lambda _: first.append(time.monotonic()), is_cancelled=_never
        )
        return first[0] - began

    cold = seconds_to_first_step()
    provisioner.warm_up(1)
    time.sleep(3)
    assert seconds_to_first_step() < cold
    _until(lambda: len(rests(config)) == 2)  # the prepared next run: a folder and its secrets


def test_more_runs_wait_while_desktops_are_made(
    make_provisioner: MakeProvisioner,
    order: BuildOrder,
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    provisioner = make_provisioner("good")
    provisioner.warm_up(3)
    _until(lambda: len(rests(config)) == 2)  # a folder and its secrets of one run
    provisioner.create(order, on_step=_ignore, is_cancelled=_never)
    _until(lambda: len(rests(config)) == 6)
    provisioner.cool_down()
    assert len(rests(config)) == 6
    monkeypatch.setattr(ansible, "BUSY_S", 0.0)
    provisioner.cool_down()
    assert len(rests(config)) == 2


def test_a_waiting_run_that_was_killed_is_replaced(
    make_provisioner: MakeProvisioner, order: BuildOrder, config: Config
) -> None:
    provisioner = make_provisioner("good")
    provisioner.warm_up(1)
    time.sleep(2)
    for process in psutil.Process().children():
        process.kill()
        process.wait(5)
    assert provisioner.create(order, on_step=_ignore, is_cancelled=_never).node == "lab"


def test_success_without_a_report_is_a_failure(
    make_provisioner: MakeProvisioner, order: BuildOrder
) -> None:
    with pytest.raises(OutsideFailed, match="told nothing"):
        make_provisioner("silent").create(order, on_step=_ignore, is_cancelled=_never)


def test_the_failed_tasks_own_words_are_the_message(make_provisioner: MakeProvisioner) -> None:
    with pytest.raises(OutsideFailed, match=r"^The storage local-lab is full\.$") as caught:
        make_provisioner("ignored").destroy("desktop-0a1b2c3d", 30001)
    assert "Fail for good" in caught.value.log


def test_a_hidden_failure_names_the_task(make_provisioner: MakeProvisioner) -> None:
    with pytest.raises(OutsideFailed, match="hidden"):
        make_provisioner("hidden").destroy("desktop-0a1b2c3d", 30001)


def test_a_playbook_that_is_no_playbook_is_a_failure_with_ansibles_words(
    make_provisioner: MakeProvisioner,
) -> None:
    with pytest.raises(OutsideFailed) as caught:
        make_provisioner("broken").destroy("desktop-0a1b2c3d", 30001)
    assert "play" in caught.value.log


def test_a_hanging_run_is_ended_at_its_time_out(
    make_provisioner: MakeProvisioner, order: BuildOrder
) -> None:
    began = time.monotonic()
    with pytest.raises(OutsideFailed, match="took too long") as caught:
        make_provisioner("hang", timeout=4).create(order, on_step=_ignore, is_cancelled=_never)
    assert caught.value.reason == INTERRUPTED
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("playbook", ["hang", "daemons"])
def test_a_cancelled_run_ends_with_all_that_it_started(
    make_provisioner: MakeProvisioner, order: BuildOrder, playbook: str
) -> None:
    is_cancelled = threading.Event()
    threading.Thread(
        target=lambda: (_wait_for_sleeps(3 if playbook == "daemons" else 1), is_cancelled.set())
    ).start()
    began = time.monotonic()
    with pytest.raises(OutsideFailed, match="cancelled"):
        make_provisioner(playbook).create(order, on_step=_ignore, is_cancelled=is_cancelled.is_set)
    assert is_cancelled.is_set()
    assert time.monotonic() - began < 25
    assert _sleeps() == 0


def test_a_daemon_that_a_failed_run_left_is_ended(make_provisioner: MakeProvisioner) -> None:
    with pytest.raises(OutsideFailed):
        make_provisioner("leftover").destroy("desktop-0a1b2c3d", 30001)
    assert _sleeps() == 0


@pytest.mark.sampled(1)
@pytest.mark.parametrize("victim", ["the run", "Ansible", "a fork"])
def test_a_run_of_which_a_part_is_killed_is_named_interrupted(
    make_provisioner: MakeProvisioner, victim: str
) -> None:
    """A kill by the kernel, as when memory runs out, is not the template's fault."""

    def kill_it() -> None:
        _wait_for_sleeps(1)
        sleep = next(one for one in psutil.process_iter() if _is_sleep(one))
        family = [one for one in sleep.parents() if "WINUX_RUN" in _environment(one)]
        # the command's module and its shell, the fork, Ansible, the run
        at = {"the run": -1, "Ansible": -2, "a fork": -3}[victim]
        family[at].kill()

    provisioner = make_provisioner("hang")
    threading.Thread(target=kill_it).start()
    with pytest.raises(OutsideFailed, match="killed") as caught:
        provisioner.destroy("desktop-0a1b2c3d", 30001)
    assert caught.value.reason == INTERRUPTED
    assert _sleeps() == 0


def _is_sleep(process: psutil.Process) -> bool:
    return _command(process).split() == ["sleep", str(LONG)]


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:
        return {}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("flood", ["flood of output", "flood of words", "flood of lines"])
def test_a_flood_fills_neither_memory_nor_disk(
    make_provisioner: MakeProvisioner, config: Config, flood: str
) -> None:
    largest: list[int] = [0, 0]
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(0.2):
            sizes = (
                [
                    file.stat().st_size
                    for one in rests(config)
                    for file in one.rglob("*")
                    if file.is_file()
                ]
                if rests(config)
                else []
            )
            largest[0] = max(largest[0], sum(sizes))
            children = psutil.Process().children(recursive=True)
            largest[1] = max([largest[1], *(_memory(child) for child in children)])

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        with pytest.raises(OutsideFailed) as caught:
            make_provisioner(flood, timeout=15).destroy("desktop-0a1b2c3d", 30001)
    finally:
        is_over.set()
        watching.join()
    assert largest[0] < 150 << 20
    assert largest[1] < 2 << 30
    assert len(caught.value.log) < 60 * 501
    assert len(caught.value.message) <= 2000


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


@pytest.fixture
def full_tmpfs(tmp_path: Path) -> Iterator[Path]:
    """Mount a tmpfs with room for file names but not for content."""
    folder = tmp_path / "full"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "winux-test", folder], check=True)
    (folder / "all").write_bytes(b"x" * 4096)
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.lab  # mounting needs root
@pytest.mark.parametrize("setting", ["run_dir", "secrets_dir"])
def test_a_full_disk_is_said_at_once(
    make_provisioner: MakeProvisioner,
    order: BuildOrder,
    config: Config,
    full_tmpfs: Path,
    setting: str,
) -> None:
    began = time.monotonic()
    make_provisioner("good").create(order, on_step=_ignore, is_cancelled=_never)
    usual_s = time.monotonic() - began
    patient = replace(config, destroy_timeout=timedelta(minutes=10))
    provisioner = AnsibleProvisioner(replace(patient, **{setting: full_tmpfs}))
    began = time.monotonic()
    with pytest.raises(OutsideFailed, match="No space left"):
        provisioner.destroy("desktop-0a1b2c3d", 30001)
    # well below the timeout; a loaded machine starts Python slowly, also for a good run
    assert time.monotonic() - began < max(20, 2 * usual_s)
    assert [file.name for file in full_tmpfs.iterdir()] == ["all"]


@pytest.mark.lab  # mounting needs root
def test_a_run_that_died_before_its_order_is_still_heard(
    make_provisioner: MakeProvisioner, config: Config, full_tmpfs: Path
) -> None:
    make_provisioner("good")
    place = RunPlace(full_tmpfs, config.secrets_dir, config.portal_id)
    playbook = config.playbooks_dir / "destroy-winux-session.yml"
    process = RunProcess(place, playbook, config.inventory, environment(config))
    _until(lambda: not process.is_alive, seconds=90)
    request = {"vars": {}, "secrets": {}, "timeout": 60}
    end = process.run(request, on_step=_ignore, is_cancelled=_never)
    assert end["status"] == "failed"
    assert "No space left" in end["message"]


# -- secrets ------------------------------------------------------------------------------------


def test_a_failed_run_that_shows_its_secrets_is_kept_without_them(
    make_provisioner: MakeProvisioner, order: BuildOrder
) -> None:
    with pytest.raises(OutsideFailed) as caught:
        make_provisioner("secret").create(order, on_step=_ignore, is_cancelled=_never)
    kept = caught.value.message + caught.value.log
    assert "[secret]" in kept
    assert PASSWORD not in kept
    assert TOKEN not in kept
    for word in kept.split():
        assert PASSWORD.encode() not in base64.b64decode(_padded(word), b"+/")


def _padded(word: str) -> str:
    """Return the base64 spellings of `word` that can be decoded."""
    clean = "".join(letter for letter in word if letter.isalnum() or letter in "+/")
    return clean[: len(clean) // 4 * 4]


def test_secrets_are_in_no_argument_environment_or_lasting_file_while_a_run_goes_on(
    make_provisioner: MakeProvisioner, order: BuildOrder, config: Config, tmp_path: Path
) -> None:
    provisioner = make_provisioner("hang")
    is_cancelled = threading.Event()
    failures: list[OutsideFailed] = []

    def run() -> None:
        try:
            provisioner.create(order, on_step=_ignore, is_cancelled=is_cancelled.is_set)
        except OutsideFailed as error:
            failures.append(error)

    running = threading.Thread(target=run)
    running.start()
    _wait_for_sleeps(1)
    processes, on_disk = listing(), files_with(PASSWORD, tmp_path)
    secret_files = files_with(PASSWORD, *rests(config))
    is_cancelled.set()
    running.join()
    assert f"sleep {LONG}" in processes  # the check happened while the run was active
    for secret in (PASSWORD, TOKEN):
        assert secret not in processes
    assert on_disk == []
    assert [file.name for file in secret_files] == ["secrets.json"]  # on tmpfs, and removed by now
    assert failures


# -- killed parents -----------------------------------------------------------------------------

PARENT = """
import sys
sys.path.insert(0, {root!r})
from datetime import timedelta
from dataclasses import replace
from tests.portal import make_environment
from webapp.adapters.ansible import AnsibleProvisioner
from webapp.config import load
from pathlib import Path
folder = Path({folder!r})
config = load(make_environment(folder, WINUX_PORTAL_ID={portal_id!r},
    WINUX_PLAYBOOKS_DIR=str(folder), WINUX_INVENTORY=str(folder / "inventory")))
AnsibleProvisioner(config).destroy("desktop-0a1b2c3d", 30001)
"""


def _start_parent(tmp_path: Path, config: Config) -> subprocess.Popen[bytes]:
    code = PARENT.format(root=str(ROOT), folder=str(tmp_path), portal_id=config.portal_id)
    return subprocess.Popen([sys.executable, "-c", code])


def test_when_the_worker_is_killed_nothing_goes_on_alone(
    make_provisioner: MakeProvisioner, config: Config, tmp_path: Path
) -> None:
    make_provisioner("daemons")
    parent = _start_parent(tmp_path, config)
    _wait_for_sleeps(3)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    _until(lambda: not processes_of(config.portal_id) and not rests(config))


def test_when_worker_and_run_are_killed_the_next_worker_tidies_up(
    make_provisioner: MakeProvisioner, config: Config, tmp_path: Path
) -> None:
    provisioner = make_provisioner("daemons")
    parent = _start_parent(tmp_path, config)
    _wait_for_sleeps(3)
    run = psutil.Process(parent.pid).children()[0]
    parent.send_signal(signal.SIGKILL)
    run.send_signal(signal.SIGKILL)
    parent.wait()
    assert processes_of(config.portal_id)
    assert files_with("proxmox_api_token_secret", *rests(config))
    _until(lambda: not psutil.pid_exists(run.pid))  # its lock is released only then
    provisioner.sweep()
    assert processes_of(config.portal_id) == []
    assert rests(config) == []


def test_a_sweep_leaves_runs_alone_that_go_on(
    make_provisioner: MakeProvisioner, config: Config, tmp_path: Path
) -> None:
    provisioner = make_provisioner("hang")
    parent = _start_parent(tmp_path, config)
    _wait_for_sleeps(1)
    provisioner.sweep()
    assert _sleeps() == 1
    parent.kill()
    parent.wait()
    _until(lambda: not processes_of(config.portal_id) and not rests(config))


def test_a_sweep_leaves_alone_what_another_portal_keeps_beside_it(
    make_provisioner: MakeProvisioner, config: Config
) -> None:
    ours = config.secrets_dir / f"winux-{config.portal_id}-{'0' * 12}"
    theirs = config.secrets_dir / f"winux-{config.portal_id}-2-{'0' * 12}"
    ours.mkdir()
    theirs.mkdir()
    make_provisioner("hang").sweep()
    assert not ours.exists()
    assert theirs.exists()
    theirs.rmdir()


def _sleeps() -> int:
    return sum(
        command.split() == ["sleep", str(LONG)]
        for process in psutil.process_iter()
        if (command := _command(process))
    )


def _command(process: psutil.Process) -> str:
    try:
        return "" if process.status() == psutil.STATUS_ZOMBIE else " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _wait_for_sleeps(count: int) -> None:
    _until(lambda: _sleeps() >= count)


def _until(is_so: Callable[[], bool], seconds: float = 30) -> None:
    patience = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < patience, "it did not happen in time"
        time.sleep(0.05)
