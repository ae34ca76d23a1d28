"""The administrators' first page: is all well, how much is going on, what failed."""

from dataclasses import dataclass

from flask import render_template, url_for
from flask.typing import ResponseReturnValue

from webapp.domain.health import Health
from webapp.domain.states import LIVE, State
from webapp.services.reports import DesktopFilter
from webapp.web.access import admin_only
from webapp.web.admin.blueprint import blueprint
from webapp.web.admin.chart import chart_of
from webapp.web.context import services
from webapp.web.language import _, ngettext
from webapp.web.live import fragment
from webapp.web.viewing import plain_view

POLL_SECONDS = 5
FAILURES = 8


@dataclass(frozen=True)
class Check:
    """One part of the health strip."""

    title: str
    text: str
    tone: str
    url: str = ""
    """Where more is told."""


@dataclass(frozen=True)
class Number:
    """One number of now or today."""

    title: str
    value: int


@blueprint.get("/")
@admin_only
def overview() -> ResponseReturnValue:
    """The page."""
    return render_template("admin/overview.html", poll_seconds=POLL_SECONDS, **_numbers())


@blueprint.get("/live")
@admin_only
def overview_live() -> ResponseReturnValue:
    """The part of it that moves."""
    return fragment("admin/_overview.html", POLL_SECONDS, **_numbers())


def _numbers() -> dict[str, object]:
    reports = services().reports
    now = reports.overview()
    failed = reports.all_desktops(DesktopFilter(has_failed=True)).rows[:FAILURES]
    return {
        "checks": [*_checks(reports.readiness().troubles), _differences(), _doctor()],
        "numbers": [
            Number(_("Ready now"), now.by_state.get(State.READY, 0)),
            Number(
                _("Being made"), sum(now.by_state.get(state, 0) for state in LIVE - {State.READY})
            ),
            Number(_("Warm in the pool"), now.by_state.get(State.WARM, 0)),
            Number(_("Launched today"), now.launches_today),
            Number(_("Failed today"), now.failures_today),
            Number(_("People"), now.people),
        ],
        "hours": chart_of(services().trends.hours()),
        "failures": [plain_view(row) for row in failed],
    }


def _checks(troubles: dict[str, str]) -> list[Check]:
    """The parts in a fixed order; what is not in trouble is well."""
    parts = {
        "worker": (_("Worker"), _("Runs and takes launches.")),
        "proxmox": (_("Proxmox"), _("Answers.")),
        "template": (_("Templates"), _("At least one can be launched.")),
    }
    return [
        Check(title, troubles.get(name, well), "bad" if name in troubles else "good")
        for name, (title, well) in parts.items()
    ]


def _differences() -> Check:
    count = len(services().findings.now_open())
    words = ngettext("%(num)s difference to the nodes.", "%(num)s differ from the nodes.", count)
    return Check(
        _("Differences"),
        words if count else _("Database and nodes agree."),
        "warn" if count else "good",
        url_for("admin.differences"),
    )


def _doctor() -> Check:
    broken = sum(row.health is Health.BAD for row in services().checkups.latest())
    words = ngettext("%(num)s part is broken.", "%(num)s parts are broken.", broken)
    return Check(
        _("Doctor"),
        words if broken else _("Found nothing broken."),
        "bad" if broken else "good",
        url_for("admin.checkup"),
    )
