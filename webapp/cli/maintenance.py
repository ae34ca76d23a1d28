"""`./winux reconcile` and `doctor`: check the site, and correct differences."""

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime

from webapp.bootstrap import Services
from webapp.cli.actor import Commands
from webapp.cli.output import say, show_rows
from webapp.domain.upkeep.health import CheckResult, Health, is_well
from webapp.models import FindingRow


def add_to(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Adds the commands."""
    reconcile = commands.add_parser(
        "reconcile", parents=[shared], help="compare database and nodes, and set right what differs"
    )
    reconcile.add_argument(
        "--dry-run", action="store_true", help="say what it would do and why, and change nothing"
    )
    reconcile.set_defaults(run=reconcile_now)
    doctor = commands.add_parser(
        "doctor", parents=[shared], help="examine every part, and say how to mend what is broken"
    )
    doctor.set_defaults(run=examine)


def reconcile_now(services: Services, options: argparse.Namespace) -> None:
    from webapp.bootstrap_worker import build_worker_services
    from webapp.worker.loop import worker_name

    reconciler = build_worker_services(services, worker_name()).reconciler
    rows = reconciler.rehearse() if options.dry_run else reconciler.reconcile(closely=True)
    now = services.clock.now()
    if options.json:
        show_rows([_row(row, now) for row in rows], as_json=True, nothing="")
    elif not rows:
        say("Database and nodes agree.")
    for row in [] if options.json else rows:
        say("\n".join(_lines(row, now)))


def examine(services: Services, options: argparse.Namespace) -> None:
    """Ends with status 1 if a part is broken."""
    from webapp.bootstrap_worker import build_doctor

    results = build_doctor(services).examine()
    if options.json:
        show_rows([_result_row(result) for result in results], as_json=True, nothing="")
    else:
        _say_results(results)
    if not is_well(results):
        sys.exit(1)


def _row(row: FindingRow, now: datetime) -> dict[str, object]:
    return {
        "kind": row.kind.value,
        "act": row.answer.act.value,
        "vmid": row.vmid,
        "node": row.node,
        "desktop": row.desktop_id or None,
        "since": row.first_seen_at,
        "means": row.answer.means,
        "detail": row.detail or None,
        "does": _does(row, now),
        "cure": row.answer.cure or None,
        "due_at": row.due_at,
        "is_over": row.resolved_at is not None,
    }


def _lines(row: FindingRow, now: datetime) -> list[str]:
    where = f"container {row.vmid}" if row.vmid else ""
    parts = (where, row.desktop_id, f"on {row.node}" if row.node else "")
    head = f"{row.kind.value.upper()}  {' '.join(filter(None, parts))}"
    since = f"{row.first_seen_at.astimezone():%Y-%m-%d %H:%M:%S}"
    details = f" ({row.detail})" if row.detail else ""
    lines = [f"{head}, since {since}", f"  {row.answer.means}{details}", f"  {_does(row, now)}"]
    return [*lines, f"  {row.answer.cure}"] if row.answer.cure else lines


def _does(row: FindingRow, now: datetime) -> str:
    if row.outcome:
        return row.outcome
    if row.due_at is None:
        return row.answer.does
    if row.due_at <= now:
        return "It is destroyed now."
    return f"It will be destroyed at {row.due_at.astimezone():%Y-%m-%d %H:%M:%S}."


_MARKS = {Health.GOOD: "ok", Health.WARN: "warning", Health.UNKNOWN: "unknown", Health.BAD: "BAD"}


def _result_row(result: CheckResult) -> dict[str, object]:
    return {
        "part": result.part,
        "health": result.health.value,
        "text": result.text,
        "cure": result.cure or None,
    }


def _say_results(results: Sequence[CheckResult]) -> None:
    width = max(len(result.part) for result in results)
    for result in results:
        say(f"{_MARKS[result.health]:<8} {result.part:<{width}}  {result.text}")
        if result.cure:
            say(f"{'':<8} {'':<{width}}  → {result.cure}")
