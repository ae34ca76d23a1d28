"""The processor time of a stack by process, each including its descendants."""

from __future__ import annotations

from collections.abc import Mapping

import psutil

from setup.processes import Child

OTHERS = "containers and others"
"""Seconds of the whole machine that no process of the stack has used."""


def processor_seconds(children: Mapping[str, Child]) -> dict[str, float]:
    """Return processor seconds of each with its children (Ansible runs for the worker)."""
    used: dict[str, float] = {}
    for name, child in children.items():
        parent = psutil.Process(child.process.pid)
        times = [one.cpu_times() for one in (parent, *parent.children(recursive=True))]
        # a child that was waited for counts in its parent's children's time
        tree = sum(sum(one[:4]) for one in times)
        if name == "worker":
            own = times[0].user + times[0].system
            used["worker"], used["Ansible runs"] = own, tree - own
        else:
            used[name] = tree
    machine = psutil.cpu_times()
    busy = sum(machine) - machine.idle - machine.iowait - machine.guest - machine.guest_nice
    return {**used, OTHERS: busy - sum(used.values())}


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Return the seconds between two readings."""
    return {name: round(after[name] - before[name], 2) for name in after}
