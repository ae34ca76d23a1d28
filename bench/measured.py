"""The portal's own record of a launch: when each phase began and ended."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Launch:
    """One launch. `answered_s` is from the click to XRDP's response, measured from outside."""

    desktop_id: str
    answered_s: float
    page_s: float
    """Seconds from the click until the page shows the desktop as ready."""
    phases: dict[str, float]
    """Seconds by phase, in order: queue, Ansible start, each role, recording."""


def address_of(database: Path, desktop_id: str) -> str:
    """Return the reserved address of a desktop; empty if there is none yet."""
    query = (
        "select a.address from address_reservations a join desktops d on d.id = a.desktop_id"
        " where d.public_id = ?"
    )
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        row = connection.execute(query, (desktop_id,)).fetchone()
    return str(row[0]) if row else ""


def phases_of(database: Path, desktop_id: str) -> dict[str, float]:
    """Return the duration of each phase of a finished launch, from the times in its rows."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        key, *times = connection.execute(
            "select id, created_at, build_started_at, ready_at from desktops where public_id = ?",
            (desktop_id,),
        ).fetchone()
        steps = connection.execute(
            "select name, started_at, finished_at from desktop_steps"
            " where desktop_id = ? order by id",
            (key,),
        ).fetchall()
    created, started, ready = (datetime.fromisoformat(moment) for moment in times)
    begun = [datetime.fromisoformat(step[1]) for step in steps]
    ended = [datetime.fromisoformat(step[2]) if step[2] else ready for step in steps]
    phases = {"queue": started - created, "ansible start": begun[0] - started}
    for (name, *_), began, end in zip(steps, begun, ended, strict=True):
        phases[name] = end - began
    phases["recording"] = ready - ended[-1]
    return {name: round(took.total_seconds(), 2) for name, took in phases.items()}


def per_minute(launches: Sequence[Launch]) -> float:
    """Return the number of desktops created per minute by simultaneous launches."""
    return round(len(launches) / max(one.answered_s for one in launches) * 60, 1)


def summary(launches: Sequence[Launch]) -> dict[str, object]:
    """Return medians and maxima by phase."""
    names = launches[0].phases
    return {
        "launches": len(launches),
        "answered_median_s": round(median(one.answered_s for one in launches), 2),
        "answered_slowest_s": round(max(one.answered_s for one in launches), 2),
        "ready_median_s": round(median(sum(one.phases.values()) for one in launches), 2),
        "page_median_s": round(median(one.page_s for one in launches), 2),
        "phases_median_s": {
            name: round(median(one.phases[name] for one in launches), 2) for name in names
        },
    }
