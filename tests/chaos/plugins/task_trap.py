# SPDX-License-Identifier: GPL-3.0-or-later
"""An Ansible callback that kills at the n-th task, configured by `trap.json` beside the playbook.

`{"at": 3, "victim": "playbook"}`: acts as task number 3 (from 0) begins, or as the play ends if the
number is one more than the last; victim: playbook, runner (which watches it), worker, or all of
them. It acts once.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from ansible.plugins.callback import CallbackBase

TRAP = Path(__file__).parents[1] / "trap.json"


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_trap"

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    def v2_playbook_on_task_start(self, task: object, is_conditional: bool) -> None:
        self._step()

    def v2_playbook_on_stats(self, stats: object) -> None:
        self._step()

    def _step(self) -> None:
        try:
            trap = json.loads(TRAP.read_text())
        except FileNotFoundError:
            return
        if trap["at"] == self._count:
            TRAP.unlink()
            for pid in _victims(trap["victim"]):
                os.kill(pid, signal.SIGKILL)
        self._count += 1


def _victims(name: str) -> list[int]:
    runner = os.getppid()
    worker = int(Path(f"/proc/{runner}/stat").read_text().rpartition(")")[2].split()[1])
    pids = {"worker": worker, "runner": runner, "playbook": os.getpid()}
    return list(pids.values()) if name == "all" else [pids[name]]
