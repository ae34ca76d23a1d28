"""`./winux reconcile` and `doctor` on a lab node, as an operator types them."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.adapters.conftest import lab
from tests.adapters.lab import create, desktops_on, environment_of
from tests.labnode.server import LabNode
from webapp.config import ROOT

__all__ = ["lab"]


class Operator:
    """A shell in the checkout, with a portal's settings."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = {"PATH": os.environ["PATH"], **environment}

    def types(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / "winux", *words], env=self.environment, capture_output=True, text=True
        )

    def json(self, *words: str) -> list[dict[str, object]]:
        done = self.types(*words, "--json")
        assert done.stdout, done.stderr
        rows: list[dict[str, object]] = json.loads(done.stdout)
        return rows


@pytest.fixture
def operator(lab: LabNode, tmp_path: Path) -> Operator:
    settings = environment_of(lab, tmp_path, WINUX_QUARANTINE_SECONDS="1")
    made = Operator(settings)
    assert made.types("migrate", "--new").returncode == 0
    return made


def test_a_rehearsal_says_what_a_run_then_does(
    operator: Operator,
    lab: LabNode,
) -> None:
    assert operator.types("reconcile", "--dry-run").stdout == "Database and nodes agree.\n"
    assert operator.json("reconcile") == []  # its watch begins now
    create(lab.client(), 30001, hostname="x", description="winux: portal=tests desktop=desktop-1")
    create(lab.client(), 30002, hostname="somebodys")
    for _ in range(2):
        rows = operator.json("reconcile", "--dry-run")
        assert {row["vmid"]: row["kind"] for row in rows} == {30001: "orphan", 30002: "foreign"}
    told = operator.types("reconcile").stdout
    assert "ORPHAN  container 30001 desktop-1 on lab" in told
    assert "never touched" in told
    assert desktops_on(lab) == [30001, 30002]
    while 30001 in desktops_on(lab):
        operator.json("reconcile")
    assert desktops_on(lab) == [30002]


def test_a_node_that_does_not_answer_ends_it_with_3(
    operator: Operator,
    lab: LabNode,
) -> None:
    lab.kill()
    done = operator.types("reconcile", "--dry-run")
    assert (done.returncode, "cannot be reached" in done.stderr) == (3, True)


def test_the_doctor_says_what_is_broken_and_ends_with_1(operator: Operator) -> None:
    done = operator.types("doctor")
    assert done.returncode == 1
    assert "BAD      template" in done.stdout
    assert "→ Build one (playbooks/template-build.yml)" in done.stdout
    parts = {row["part"]: row["health"] for row in operator.json("doctor")}
    assert (parts["rights on the pool"], parts["guest key"]) == ("good", "bad")
