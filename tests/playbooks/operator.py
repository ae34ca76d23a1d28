"""An operator at a terminal: runs the playbooks by hand and reads their output."""

import itertools
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab import GoldenTemplate, RealLab, ansible

#: Ids of containers that these tests create; the portal's own begin at 30001.
_vmids: Iterator[int] = itertools.count(20101)


@dataclass(frozen=True)
class Run:
    """The result of a playbook."""

    code: int
    output: str

    @property
    def changed(self) -> int:
        """Return the number of tasks that changed something, from the recap."""
        return int(re.findall(r"changed=(\d+)", self.output)[-1])

    @classmethod
    def of(cls, done: subprocess.CompletedProcess[str]) -> "Run":
        return cls(done.returncode, done.stdout + done.stderr)


@dataclass
class Desktop:
    """One desktop of an operator: its names and the variables that it was created with."""

    session_id: str
    vmid: int
    operator: "Operator"

    def create(self, *options: str, **variables: Any) -> Run:
        return self.operator.run("create-winux-session.yml", self, *options, **variables)

    def assign(self, *options: str, **variables: Any) -> Run:
        return self.operator.run("assign-winux-session.yml", self, *options, **variables)

    def pause(self, *options: str, **variables: Any) -> Run:
        return self.operator.run("pause-winux-session.yml", self, *options, **variables)

    def resume(self, *options: str, **variables: Any) -> Run:
        return self.operator.run("resume-winux-session.yml", self, *options, **variables)

    def destroy(self, **variables: Any) -> Run:
        return self.operator.run("destroy-winux-session.yml", self, **variables)

    @property
    def file(self) -> Path:
        return self.operator.folder / f"{self.session_id}.json"

    @property
    def told(self) -> dict[str, Any]:
        """Return the playbook's result file."""
        return dict(json.loads(self.file.read_text()))


@dataclass
class Operator:
    """An operator with the environment of a token, in a folder."""

    folder: Path
    environment: dict[str, str]

    @classmethod
    def on(cls, lab: RealLab, template: GoldenTemplate, folder: Path) -> "Operator":
        key = {"WINUX_GUEST_KEY_FILE": str(template.guest_key)}
        return cls(folder, lab.settings("portal") | key)

    def new_desktop(self) -> Desktop:
        vmid = next(_vmids)
        return Desktop(f"desktop-{vmid:08x}", vmid, self)

    def run(self, playbook: str, desktop: Desktop, *options: str, **variables: Any) -> Run:
        """Run the playbook with `-e "name=value …"`, as the manual shows."""
        names = {"session_id": desktop.session_id, "container_id": desktop.vmid} | variables
        text = " ".join(f"{name}={value}" for name, value in names.items() if value is not None)
        return Run.of(ansible(playbook, self.environment, self.folder, "-e", text, *options))
