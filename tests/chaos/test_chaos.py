"""The short forms of the chaos tests; `make chaos` runs the long ones.

Of those marked with 0, `make test` runs none: `make testwhole` does.
"""

import os
import secrets

import pytest

from tests.chaos.sandbox import run_inside

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def chaos(tmp_path: object, *arguments: str) -> None:
    """Run a chaos test in its own namespaces; its output has the seed and the errors."""
    seed = os.environ.get("CHAOS_SEED") or secrets.token_hex(3)
    options = ["--short", "--seed", seed, "--folder", str(tmp_path)]
    assert run_inside([*arguments, *options], os.environ).returncode == 0


@pytest.mark.sampled(0)
def test_a_worker_that_dies_at_any_step_leaves_nothing_behind(tmp_path: object) -> None:
    chaos(tmp_path, "steps")


def test_a_worker_that_dies_after_a_commit_of_a_build_leaves_nothing_behind(
    tmp_path: object,
) -> None:
    chaos(tmp_path, "steps", "--kinds", "worker dies after commit", "--chapters", "build")


@pytest.mark.sampled(0)
def test_a_playbook_that_dies_at_any_task_leaves_nothing_behind(tmp_path: object) -> None:
    chaos(tmp_path, "steps", "--kinds", "all die at task", "--chapters", "stop")


def test_nine_honest_people_wait_for_one_launch_of_a_greedy_one_at_most(tmp_path: object) -> None:
    chaos(tmp_path, "fair")


@pytest.mark.sampled(0)
def test_no_desktop_fails_for_killed_runs_that_another_try_would_have_saved(
    tmp_path: object,
) -> None:
    chaos(tmp_path, "kills", "--launches", "6", "--kill-every", "1.5")


def test_a_short_storm_leaves_nothing_behind(tmp_path: object) -> None:
    calm = ("--people", "5", "--pause", "1.5")
    chaos(tmp_path, "storm", "--minutes", "0.25", "--share", "0.3", "--mischief", "1", *calm)
