"""Differences between database and nodes: what, since when, and what Winux does about it."""

from datetime import datetime

from flask import render_template
from flask.typing import ResponseReturnValue

from webapp.domain.access import Action
from webapp.domain.upkeep.drift import Kind
from webapp.http.access import may
from webapp.http.context import services
from webapp.models import FindingRow
from webapp.web.admin.blueprint import blueprint
from webapp.web.fragments import fragment
from webapp.web.language import _

POLL_SECONDS = 10
#: Kinds whose mark names a desktop that the database does not have.
ROWLESS = frozenset({Kind.ORPHAN, Kind.FORGOTTEN, Kind.FOREIGN})


@blueprint.get("/differences/")
@may(Action.DIFFERENCE_SEE)
def differences() -> ResponseReturnValue:
    """Show the page."""
    return render_template("admin/differences.html", poll_seconds=POLL_SECONDS, **_rows())


@blueprint.get("/differences/live")
@may(Action.DIFFERENCE_SEE)
def differences_live() -> ResponseReturnValue:
    """Return the tables of the page, for live updates."""
    return fragment("admin/_differences.html", POLL_SECONDS, **_rows())


class DifferenceRow:
    """One finding as the table shows it."""

    def __init__(self, row: FindingRow) -> None:
        self.id = row.id
        self.desktop_id = row.desktop_id
        self.has_desktop = bool(row.desktop_id) and row.kind not in ROWLESS
        self.detail = row.detail
        self.since = row.first_seen_at
        self.due_at: datetime | None = row.due_at
        self.over_at = row.resolved_at
        self.means = _(row.answer.means)
        self.does = _(row.answer.does)
        self.cure = _(row.answer.cure) if row.answer.cure else ""
        self.outcome = _(row.outcome) if row.outcome else ""
        self.hindrance = row.outcome or ""
        self.place = " / ".join(str(part) for part in (row.node, row.vmid) if part)


def _rows() -> dict[str, object]:
    found = services().findings
    return {
        "looked_at": found.looked_at(),
        "now_open": [DifferenceRow(row) for row in found.now_open()],
        "over": [DifferenceRow(row) for row in found.latest_over()],
    }
